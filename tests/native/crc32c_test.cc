#include "native/core/crc32c.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "tests/native/check.h"
#include "tests/native/random_bytes.h"

namespace longshore {
namespace {

constexpr const char* kKernels[] = {"avx512", "sse42", "armv8", "portable"};

using testing::RandomBytes;

// The definition, bit by bit: shares nothing with any kernel.
uint32_t Slow(uint32_t crc, const uint8_t* data, size_t bytes) {
  crc = ~crc;
  for (size_t i = 0; i < bytes; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
  }
  return ~crc;
}

void ForEachKernel(const std::function<void()>& body) {
  int reached = 0;
  for (const char* name : kKernels) {
    if (!Crc32cForce(name)) {
      std::fprintf(stderr, "  %s: not on this CPU\n", name);
      continue;
    }
    CHECK(std::strcmp(Crc32cImplementation(), name) == 0);
    body();
    ++reached;
  }
  CHECK(reached >= 1);
  CHECK(Crc32cForce(""));
}

// RFC 3720, appendix B.4, and the check value of the CRC catalogues.
void KnownAnswers() {
  uint8_t bytes[32];
  std::memset(bytes, 0, sizeof bytes);
  CHECK(Crc32c(0, bytes, sizeof bytes) == 0x8a9136aa);
  std::memset(bytes, 0xff, sizeof bytes);
  CHECK(Crc32c(0, bytes, sizeof bytes) == 0x62a8ab43);
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<uint8_t>(i);
  CHECK(Crc32c(0, bytes, sizeof bytes) == 0x46dd794e);
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<uint8_t>(31 - i);
  CHECK(Crc32c(0, bytes, sizeof bytes) == 0x113fdb5c);
  CHECK(Crc32c(0, "123456789", 9) == 0xe3069283);
  CHECK(Crc32c(0, nullptr, 0) == 0);
  CHECK(Crc32c(0x1234, nullptr, 0) == 0x1234);
}

void EveryLengthAndAlignment() {
  const std::vector<uint8_t> content = RandomBytes(20000, 1);
  for (size_t from = 0; from < 9; ++from) {
    for (size_t bytes = 0; bytes < 1200; ++bytes) {
      const uint8_t* data = content.data() + from;
      CHECK(Crc32c(7, data, bytes) == Slow(7, data, bytes));
    }
  }
  for (size_t bytes = 1200; bytes <= content.size(); bytes += 397) {
    CHECK(Crc32c(0, content.data(), bytes) == Slow(0, content.data(), bytes));
  }
}

void SplitsEqualOneCall() {
  const std::vector<uint8_t> content = RandomBytes(300000, 2);
  const uint32_t whole = Slow(0, content.data(), content.size());
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    uint32_t carried = 0;
    uint32_t combined = 0;
    for (size_t at = 0; at < content.size();) {
      const size_t bytes = std::min<size_t>(random() % 70000, content.size() - at);
      carried = Crc32c(carried, content.data() + at, bytes);
      combined = Crc32cCombine(combined, Crc32c(0, content.data() + at, bytes), bytes);
      at += bytes;
    }
    CHECK(carried == whole);
    CHECK(combined == whole);
  }
}

void CombineTakesAnyLength() {
  CHECK(Crc32cCombine(0xdeadbeef, 0, 0) == 0xdeadbeef);
  // Zeros after A, doubled again and again, far beyond what could be run through.
  uint32_t crc = Crc32c(0, "a", 1);
  std::vector<uint8_t> zeros(1 << 20);
  CHECK(Crc32cCombine(crc, Crc32c(0, zeros.data(), zeros.size()), zeros.size()) ==
        Crc32c(crc, zeros.data(), zeros.size()));
  uint32_t zeros_crc = Crc32c(0, zeros.data(), zeros.size());
  uint64_t length = zeros.size();
  for (int i = 0; i < 20; ++i) {
    const uint32_t stepwise =
        Crc32cCombine(Crc32cCombine(crc, zeros_crc, length), zeros_crc, length);
    zeros_crc = Crc32cCombine(zeros_crc, zeros_crc, length);
    length *= 2;
    CHECK(Crc32cCombine(crc, zeros_crc, length) == stepwise);
  }
}

}  // namespace
}  // namespace longshore

int main() {
  using namespace longshore;
  return testing::RunFacts({
      {"known answers", [] { ForEachKernel(KnownAnswers); }},
      {"every length and alignment", [] { ForEachKernel(EveryLengthAndAlignment); }},
      {"splits equal one call", [] { ForEachKernel(SplitsEqualOneCall); }},
      {"combine takes any length", [] { ForEachKernel(CombineTakesAnyLength); }},
      {"no kernel is rejected", [] { CHECK(std::strcmp(Crc32cRejected(), "") == 0); }},
      {"an unknown kernel cannot be forced", [] { CHECK(!Crc32cForce("mmx")); }},
  });
}
