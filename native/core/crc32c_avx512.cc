// CRC32C by carry-less multiplication of 512 bits at a time (Gopal et al., "Fast CRC Computation
// for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009, in the bit-reversed form).

#include <immintrin.h>

#include "native/core/crc32c_kernels.h"

namespace longshore {

namespace {

constexpr size_t kStride = 256;  // four registers

// x^n modulo the Castagnoli polynomial, bit-reversed.
constexpr int64_t PowerOfX(int n) {
  uint32_t power = 0x80000000;
  for (; n > 0; --n) power = (power >> 1) ^ ((power & 1) != 0 ? 0x82f63b78 : 0);
  return power;
}

// Factors that move a 128-bit lane `bits` ahead. Its low half is 64 bits further from the end than
// its high half; 33 is what a 32-bit factor in a 64-bit field and a bit-reversed product are off
// by.
constexpr int64_t LowFactor(int bits) { return PowerOfX(bits + 64 - 33); }
constexpr int64_t HighFactor(int bits) { return PowerOfX(bits - 33); }

// Moves every lane of `x` ahead by what `factors` are made for, and adds what is there.
inline __m512i Fold(__m512i x, __m512i factors, __m512i there) {
  const __m512i low = _mm512_clmulepi64_epi128(x, factors, 0x00);
  const __m512i high = _mm512_clmulepi64_epi128(x, factors, 0x11);
  return _mm512_ternarylogic_epi64(low, high, there, 0x96);
}

inline __m512i Load(const uint8_t* from) { return _mm512_loadu_si512(from); }

inline uint64_t LoadWord(const uint8_t* from) {
  return static_cast<uint64_t>(
      _mm_cvtsi128_si64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}

// The register after `strides` (at least one) times 256 bytes.
inline uint64_t Strides(uint32_t reg, const uint8_t* data, size_t strides) {
  const __m512i by_2048 = _mm512_broadcast_i32x4(_mm_set_epi64x(HighFactor(2048), LowFactor(2048)));
  __m512i x0 = _mm512_xor_si512(Load(data),
                                _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(reg))));
  __m512i x1 = Load(data + 64);
  __m512i x2 = Load(data + 128);
  __m512i x3 = Load(data + 192);
  for (data += kStride; --strides > 0; data += kStride) {
    x0 = Fold(x0, by_2048, Load(data));
    x1 = Fold(x1, by_2048, Load(data + 64));
    x2 = Fold(x2, by_2048, Load(data + 128));
    x3 = Fold(x3, by_2048, Load(data + 192));
  }
  const __m512i by_512 = _mm512_broadcast_i32x4(_mm_set_epi64x(HighFactor(512), LowFactor(512)));
  const __m512i x = Fold(Fold(Fold(x0, by_512, x1), by_512, x2), by_512, x3);
  // The first three lanes move to where the last one is.
  const __m512i to_last = _mm512_set_epi64(0, 0, HighFactor(128), LowFactor(128), HighFactor(256),
                                           LowFactor(256), HighFactor(384), LowFactor(384));
  const __m512i moved = Fold(x, to_last, _mm512_setzero_si512());
  const __m128i last = _mm_xor_si128(
      _mm_xor_si128(_mm512_extracti32x4_epi32(moved, 0), _mm512_extracti32x4_epi32(moved, 1)),
      _mm_xor_si128(_mm512_extracti32x4_epi32(moved, 2), _mm512_extracti32x4_epi32(x, 3)));
  const uint64_t low = _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(last)));
  return _mm_crc32_u64(low, static_cast<uint64_t>(_mm_extract_epi64(last, 1)));
}

}  // namespace

uint32_t Crc32cAvx512(uint32_t reg, const uint8_t* data, size_t bytes) {
  uint64_t wide = reg;
  const size_t strides = bytes / kStride;
  if (strides > 0) {
    wide = Strides(reg, data, strides);
    data += strides * kStride;
    bytes -= strides * kStride;
  }
  for (; bytes >= 8; bytes -= 8, data += 8) wide = _mm_crc32_u64(wide, LoadWord(data));
  auto narrow = static_cast<uint32_t>(wide);
  for (; bytes > 0; --bytes, ++data) narrow = _mm_crc32_u8(narrow, *data);
  return narrow;
}

}  // namespace longshore
