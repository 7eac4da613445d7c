// CRC32C by the CRC32 instruction of SSE4.2. One chain of it is bound by its latency of three
// cycles, so three parts of the content run side by side; PCLMULQDQ joins their registers.

#include <immintrin.h>

#include "native/core/crc32c_kernels.h"

namespace longshore {

namespace {

constexpr size_t kLongPart = 2048;
constexpr size_t kShortPart = 256;

// x^n modulo the Castagnoli polynomial, bit-reversed.
constexpr uint64_t PowerOfX(size_t n) {
  uint32_t power = 0x80000000;
  for (; n > 0; --n) power = (power >> 1) ^ ((power & 1) != 0 ? 0x82f63b78 : 0);
  return power;
}

// Carries a register over `bytes` zero bytes, all but the reduction, which CRC32 of the result
// (as content, after a register of 0) does. That one multiplies by x^32, and a product of
// bit-reversed factors is off by one more bit: hence 33.
template <size_t bytes>
inline uint64_t CarryOver(uint64_t reg) {
  constexpr uint64_t kFactor = PowerOfX(8 * bytes - 33);
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(reg)),
                                               _mm_cvtsi64_si128(int64_t{kFactor}), 0);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
}

inline uint64_t Load(const uint8_t* from) {
  return static_cast<uint64_t>(
      _mm_cvtsi128_si64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}

template <size_t part>
inline uint64_t ThreeParts(uint64_t reg, const uint8_t* data) {
  uint64_t second = 0;
  uint64_t third = 0;
  for (size_t i = 0; i < part; i += 8) {
    reg = _mm_crc32_u64(reg, Load(data + i));
    second = _mm_crc32_u64(second, Load(data + part + i));
    third = _mm_crc32_u64(third, Load(data + 2 * part + i));
  }
  return _mm_crc32_u64(0, CarryOver<2 * part>(reg) ^ CarryOver<part>(second)) ^ third;
}

}  // namespace

uint32_t Crc32cSse42(uint32_t reg, const uint8_t* data, size_t bytes) {
  uint64_t wide = reg;
  for (; bytes >= 3 * kLongPart; bytes -= 3 * kLongPart, data += 3 * kLongPart) {
    wide = ThreeParts<kLongPart>(wide, data);
  }
  for (; bytes >= 3 * kShortPart; bytes -= 3 * kShortPart, data += 3 * kShortPart) {
    wide = ThreeParts<kShortPart>(wide, data);
  }
  for (; bytes >= 8; bytes -= 8, data += 8) wide = _mm_crc32_u64(wide, Load(data));
  auto narrow = static_cast<uint32_t>(wide);
  for (; bytes > 0; --bytes, ++data) narrow = _mm_crc32_u8(narrow, *data);
  return narrow;
}

}  // namespace longshore
