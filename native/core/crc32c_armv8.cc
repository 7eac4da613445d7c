// CRC32C by the CRC32C instructions of ARMv8. One chain of them is bound by their latency, so three
// parts of the content run side by side.

#include <arm_acle.h>

#include "native/core/crc32c_kernels.h"

namespace longshore {

namespace {

constexpr size_t kPart = 4096;
constexpr uint32_t kPolynomial = 0x82f63b78;

// a times b modulo the polynomial, all bit-reversed.
constexpr uint32_t Multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (int bit = 31; bit >= 0; --bit) {
    if (((a >> bit) & 1) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);
  }
  return product;
}

// x^(8 * bytes): what carries a register over so many zero bytes.
constexpr uint32_t CarryOver(size_t bytes) {
  uint32_t power = 0x80000000;
  for (size_t bit = 0; bit < 8 * bytes; ++bit) {
    power = (power >> 1) ^ ((power & 1) != 0 ? kPolynomial : 0);
  }
  return power;
}

constexpr uint32_t kOverOnePart = CarryOver(kPart);
constexpr uint32_t kOverTwoParts = Multiply(kOverOnePart, kOverOnePart);

inline uint64_t Load(const uint8_t* from) {
  uint64_t value = 0;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

uint32_t Crc32cArmv8(uint32_t reg, const uint8_t* data, size_t bytes) {
  for (; bytes >= 3 * kPart; bytes -= 3 * kPart, data += 3 * kPart) {
    uint32_t second = 0;
    uint32_t third = 0;
    for (size_t i = 0; i < kPart; i += 8) {
      reg = __crc32cd(reg, Load(data + i));
      second = __crc32cd(second, Load(data + kPart + i));
      third = __crc32cd(third, Load(data + 2 * kPart + i));
    }
    reg = Multiply(reg, kOverTwoParts) ^ Multiply(second, kOverOnePart) ^ third;
  }
  for (; bytes >= 8; bytes -= 8, data += 8) reg = __crc32cd(reg, Load(data));
  for (; bytes > 0; --bytes, ++data) reg = __crc32cb(reg, *data);
  return reg;
}

}  // namespace longshore
