// SHA-256 of sixteen messages at once: each 512-bit register holds one word of all sixteen.

#include <immintrin.h>

#include "native/core/sha256_kernels.h"

namespace longshore {

namespace {

constexpr int kLanes = 16;

// Exchanges rows and columns of a 16 by 16 matrix of words.
inline void Transpose(__m512i r[kLanes]) {
  __m512i t[kLanes];
  for (int i = 0; i < kLanes; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < kLanes; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

// Three-way logic in one instruction each; the constants are truth tables over the bits (x, y, z).
inline __m512i Xor3(__m512i x, __m512i y, __m512i z) {
  return _mm512_ternarylogic_epi32(x, y, z, 0x96);
}
inline __m512i Choose(__m512i x, __m512i y, __m512i z) {
  return _mm512_ternarylogic_epi32(x, y, z, 0xca);
}
inline __m512i Majority(__m512i x, __m512i y, __m512i z) {
  return _mm512_ternarylogic_epi32(x, y, z, 0xe8);
}

inline __m512i Add(__m512i x, __m512i y) { return _mm512_add_epi32(x, y); }

inline __m512i BigSigma0(__m512i x) {
  return Xor3(_mm512_ror_epi32(x, 2), _mm512_ror_epi32(x, 13), _mm512_ror_epi32(x, 22));
}
inline __m512i BigSigma1(__m512i x) {
  return Xor3(_mm512_ror_epi32(x, 6), _mm512_ror_epi32(x, 11), _mm512_ror_epi32(x, 25));
}
inline __m512i SmallSigma0(__m512i x) {
  return Xor3(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18), _mm512_srli_epi32(x, 3));
}
inline __m512i SmallSigma1(__m512i x) {
  return Xor3(_mm512_ror_epi32(x, 17), _mm512_ror_epi32(x, 19), _mm512_srli_epi32(x, 10));
}

// One round. The words are not moved from a to b to c ...: the round's number says where each is.
inline void Round(__m512i s[8], __m512i word, int round) {
  const int at = 64 - round;
  __m512i& a = s[at % 8];
  __m512i& b = s[(at + 1) % 8];
  __m512i& c = s[(at + 2) % 8];
  __m512i& d = s[(at + 3) % 8];
  __m512i& e = s[(at + 4) % 8];
  __m512i& f = s[(at + 5) % 8];
  __m512i& g = s[(at + 6) % 8];
  __m512i& h = s[(at + 7) % 8];
  const __m512i constant = _mm512_set1_epi32(static_cast<int>(kSha256Rounds[round]));
  const __m512i t1 = Add(Add(Add(h, Add(word, constant)), BigSigma1(e)), Choose(e, f, g));
  d = Add(d, t1);
  h = Add(t1, Add(BigSigma0(a), Majority(a, b, c)));
}

inline __m512i ReverseBytes(__m512i words) {
  const __m512i reverse =
      _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
  return _mm512_shuffle_epi8(words, reverse);
}

// The sixteen words of one block of every lane.
inline void LoadWords(const uint8_t* const* data, size_t offset, __m512i w[kLanes]) {
  for (int lane = 0; lane < kLanes; ++lane) w[lane] = _mm512_loadu_si512(data[lane] + offset);
  Transpose(w);
  for (int i = 0; i < kLanes; ++i) w[i] = ReverseBytes(w[i]);
}

inline void OneBlock(__m512i s[8], __m512i w[kLanes]) {
#pragma GCC unroll 48
  for (int round = 0; round < 48; ++round) {
    const int i = round % 16;
    Round(s, w[i], round);
    w[i] = Add(Add(w[i], SmallSigma0(w[(i + 1) % 16])),
               Add(w[(i + 9) % 16], SmallSigma1(w[(i + 14) % 16])));
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) Round(s, w[i], 48 + i);
}

}  // namespace

void Sha256Blocks16Avx512(Sha256State* states, const uint8_t* const* data, size_t blocks) {
  alignas(64) uint32_t words[8][kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int i = 0; i < 8; ++i) words[i][lane] = states[lane].h[i];
  }
  __m512i s[8];
  for (int i = 0; i < 8; ++i) s[i] = _mm512_load_si512(words[i]);

  for (size_t offset = 0; offset < blocks * kSha256BlockBytes; offset += kSha256BlockBytes) {
    __m512i w[kLanes];
    LoadWords(data, offset, w);
    __m512i before[8];
    for (int i = 0; i < 8; ++i) before[i] = s[i];
    OneBlock(s, w);
    for (int i = 0; i < 8; ++i) s[i] = Add(s[i], before[i]);
  }

  for (int i = 0; i < 8; ++i) _mm512_store_si512(words[i], s[i]);
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int i = 0; i < 8; ++i) states[lane].h[i] = words[i][lane];
  }
}

}  // namespace longshore
