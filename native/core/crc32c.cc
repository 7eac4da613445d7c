#include "native/core/crc32c.h"

#include <array>
#include <atomic>
#include <cstring>
#include <string>

#include "native/core/cpu_features.h"
#include "native/core/crc32c_kernels.h"

namespace longshore {

namespace {

struct Crc32cKernel {
  const char* name;
  uint32_t (*run)(uint32_t reg, const uint8_t* data, size_t bytes);
  bool available;  // on this CPU
};

// Best first. A kernel that this build has no code for is left out.
const auto& Candidates() {
  static const std::array candidates = {
#if defined(LONGSHORE_HAVE_CRC32C_AVX512)
    Crc32cKernel{"avx512", Crc32cAvx512, ThisCpu().vpclmulqdq},
#endif
#if defined(LONGSHORE_HAVE_SSE42)
    Crc32cKernel{"sse42", Crc32cSse42, ThisCpu().sse42},
#endif
#if defined(LONGSHORE_HAVE_ARMV8)
    Crc32cKernel{"armv8", Crc32cArmv8, ThisCpu().arm_crc32},
#endif
    Crc32cKernel{"portable", Crc32cPortable, true},
  };
  return candidates;
}

// The check value of the CRC catalogues, and lengths around the kernels' strides against the
// tables.
bool KnowsItsAnswers(const Crc32cKernel& kernel) {
  constexpr size_t kLengths[] = {0,   1,   7,   8,    63,   64,   255, 256,
                                 257, 767, 768, 1023, 3071, 3072, 4090};
  const char kDigits[] = "123456789";
  if (~kernel.run(~uint32_t{0}, reinterpret_cast<const uint8_t*>(kDigits), 9) != 0xe3069283) {
    return false;
  }
  std::array<uint8_t, 4096> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>((i * i) ^ (i >> 3));
  for (size_t from = 0; from < 4; ++from) {
    for (const size_t length : kLengths) {
      const uint8_t* data = bytes.data() + from;
      if (kernel.run(0x12345678, data, length) != Crc32cPortable(0x12345678, data, length)) {
        return false;
      }
    }
  }
  return true;
}

struct Choice {
  const Crc32cKernel* best = nullptr;
  std::string rejected;
};

Choice Choose() {
  Choice choice;
  for (const Crc32cKernel& kernel : Candidates()) {
    if (!kernel.available) continue;
    if (KnowsItsAnswers(kernel)) {
      if (choice.best == nullptr) choice.best = &kernel;
    } else {
      if (!choice.rejected.empty()) choice.rejected += ',';
      choice.rejected += kernel.name;
    }
  }
  if (choice.best == nullptr) choice.best = &Candidates().back();
  return choice;
}

const Choice& Chosen() {
  static const Choice choice = Choose();
  return choice;
}

std::atomic<const Crc32cKernel*> forced{nullptr};

const Crc32cKernel& Kernel() {
  const Crc32cKernel* kernel = forced.load(std::memory_order_acquire);
  return kernel != nullptr ? *kernel : *Chosen().best;
}

// Polynomials over GF(2) modulo the Castagnoli one, bit-reversed: bit 31 is x^0.
constexpr uint32_t kPolynomial = 0x82f63b78;

constexpr uint32_t Multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (int bit = 31; bit >= 0; --bit) {
    if (((a >> bit) & 1) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);
  }
  return product;
}

// x^(8 * 2^i), the factors that carry a CRC over 2^i zero bytes.
constexpr std::array<uint32_t, 64> MakeZeroBytes() {
  std::array<uint32_t, 64> powers{};
  powers[0] = 0x00800000;  // x^8
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = Multiply(powers[i - 1], powers[i - 1]);
  return powers;
}

constexpr std::array<uint32_t, 64> kZeroBytes = MakeZeroBytes();

}  // namespace

uint32_t Crc32c(uint32_t crc, const void* data, size_t bytes) {
  return ~Kernel().run(~crc, static_cast<const uint8_t*>(data), bytes);
}

uint32_t Crc32cCombine(uint32_t a, uint32_t b, uint64_t bytes_b) {
  for (size_t i = 0; bytes_b > 0; ++i, bytes_b >>= 1) {
    if ((bytes_b & 1) != 0) a = Multiply(a, kZeroBytes.at(i));
  }
  return a ^ b;
}

const char* Crc32cImplementation() { return Kernel().name; }

const char* Crc32cRejected() { return Chosen().rejected.c_str(); }

bool Crc32cForce(const char* name) {
  if (std::strcmp(name, "") == 0 || std::strcmp(name, "auto") == 0) {
    forced.store(nullptr, std::memory_order_release);
    return true;
  }
  for (const Crc32cKernel& kernel : Candidates()) {
    if (!kernel.available || std::strcmp(kernel.name, name) != 0) continue;
    if (!KnowsItsAnswers(kernel)) continue;
    forced.store(&kernel, std::memory_order_release);
    return true;
  }
  return false;
}

}  // namespace longshore
