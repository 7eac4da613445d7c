// SHA-256 with the SHA extensions of x86 (Intel SDM, volume 2: SHA256RNDS2, SHA256MSG1,
// SHA256MSG2).
//
// One stream is bound by the latency of SHA256RNDS2: two of these chained for every four rounds.
// The CPU can start another one meanwhile. The pair kernel starts the second chain's, and saves
// the second message schedule as well; the 4-stream kernel starts those of other messages.

#include <immintrin.h>

#include "native/core/sha256_kernels.h"

namespace longshore {

namespace {

// The chaining words in the order in which SHA256RNDS2 wants them.
struct Chain {
  __m128i abef;
  __m128i cdgh;
};

inline __m128i LoadWords(const uint32_t* words) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(words));
}

inline void StoreWords(uint32_t* words, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(words), value);
}

inline Chain Load(const Sha256State& state) {
  const __m128i cdab = _mm_shuffle_epi32(LoadWords(state.h), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(LoadWords(state.h + 4), 0x1b);
  return {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

inline void Store(const Chain& chain, Sha256State* state) {
  const __m128i feba = _mm_shuffle_epi32(chain.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(chain.cdgh, 0xb1);
  StoreWords(state->h, _mm_blend_epi16(feba, dchg, 0xf0));
  StoreWords(state->h + 4, _mm_alignr_epi8(dchg, feba, 8));
}

inline void Add(Chain* chain, const Chain& before) {
  chain->abef = _mm_add_epi32(chain->abef, before.abef);
  chain->cdgh = _mm_add_epi32(chain->cdgh, before.cdgh);
}

// For PSHUFB: turns the four bytes of each word around.
inline __m128i ByteOrder() { return _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203); }

inline __m128i LoadBigEndian(const uint8_t* data) {
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data)), ByteOrder());
}

// Four rounds; `words` holds w[t..t+3] + K[t..t+3].
inline void FourRounds(Chain* chain, __m128i words) {
  chain->cdgh = _mm_sha256rnds2_epu32(chain->cdgh, chain->abef, words);
  chain->abef = _mm_sha256rnds2_epu32(chain->abef, chain->cdgh, _mm_shuffle_epi32(words, 0x0e));
}

// w[t+16..t+19], which takes the place of w[t..t+3], from these and the twelve words after them.
inline __m128i NextWords(__m128i w0, __m128i w4, __m128i w8, __m128i w12) {
  const __m128i w9 = _mm_alignr_epi8(w12, w8, 4);
  return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), w9), w12);
}

inline __m128i WithConstants(__m128i words, size_t round) {
  return _mm_add_epi32(words, LoadWords(kSha256Rounds + round));
}

// One block into one chain.
inline void OneBlock(Chain* chain, const uint8_t* data) {
  __m128i w[4];
  for (size_t i = 0; i < 4; ++i) w[i] = LoadBigEndian(data + 16 * i);
#pragma GCC unroll 12
  for (size_t group = 0; group < 12; ++group) {
    __m128i& first = w[group % 4];
    FourRounds(chain, WithConstants(first, 4 * group));
    first = NextWords(first, w[(group + 1) % 4], w[(group + 2) % 4], w[(group + 3) % 4]);
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) FourRounds(chain, WithConstants(w[i], 48 + 4 * i));
}

// The pair kernel is written out because the order of its instructions decides its speed: both
// chains advance at full speed only while neither takes the other's turn in the pipes, and a load
// or a move in the wrong place is enough for that. On Zen 5 the orders that GCC and clang choose
// came to 0.75 of one chain's speed over content that is not in the cache yet, this one to 0.88
// (0.92 in the cache). It is the best of some five thousand that were tried, and keeps its speed
// when its place in memory, the cache or the work between calls changes, as others did not.
//
// xmm1, xmm2: abef and cdgh of the first chain; xmm3, xmm4: of the second. xmm5 to xmm8: the
// sixteen words; xmm9: scratch; xmm10: byte order; xmm12 to xmm15: both chains before the block.

// clang-format off
#define LONGSHORE_WORDS(group, w0)                         \
  "movdqa 16*" #group "(%[constants]), %%xmm0\n\t"         \
  "paddd %%" #w0 ", %%xmm0\n\t"

#define LONGSHORE_FOUR_ROUNDS(group, w0)                   \
  LONGSHORE_WORDS(group, w0)                               \
  "sha256rnds2 %%xmm1, %%xmm2\n\t"                         \
  LONGSHORE_WORDS(group, w0)                               \
  "sha256rnds2 %%xmm3, %%xmm4\n\t"                         \
  "pshufd $0x0e, %%xmm0, %%xmm0\n\t"                       \
  "sha256rnds2 %%xmm2, %%xmm1\n\t"                         \
  "sha256rnds2 %%xmm4, %%xmm3\n\t"

#define LONGSHORE_FOUR_ROUNDS_AND_WORDS(group, w0, w4, w8, w12) \
  LONGSHORE_WORDS(group, w0)                               \
  "sha256rnds2 %%xmm1, %%xmm2\n\t"                         \
  LONGSHORE_WORDS(group, w0)                               \
  "sha256msg1 %%" #w4 ", %%" #w0 "\n\t"                    \
  "sha256rnds2 %%xmm3, %%xmm4\n\t"                         \
  "movdqa %%" #w12 ", %%xmm9\n\t"                          \
  "palignr $4, %%" #w8 ", %%xmm9\n\t"                      \
  "pshufd $0x0e, %%xmm0, %%xmm0\n\t"                       \
  "paddd %%xmm9, %%" #w0 "\n\t"                            \
  "sha256msg2 %%" #w12 ", %%" #w0 "\n\t"                   \
  "sha256rnds2 %%xmm2, %%xmm1\n\t"                         \
  "sha256rnds2 %%xmm4, %%xmm3\n\t"

#define LONGSHORE_SIXTEEN_ROUNDS_AND_WORDS(g0, g1, g2, g3)             \
  LONGSHORE_FOUR_ROUNDS_AND_WORDS(g0, xmm5, xmm6, xmm7, xmm8)          \
  LONGSHORE_FOUR_ROUNDS_AND_WORDS(g1, xmm6, xmm7, xmm8, xmm5)          \
  LONGSHORE_FOUR_ROUNDS_AND_WORDS(g2, xmm7, xmm8, xmm5, xmm6)          \
  LONGSHORE_FOUR_ROUNDS_AND_WORDS(g3, xmm8, xmm5, xmm6, xmm7)

#define LONGSHORE_LOAD(offset, w)                          \
  "movdqu " #offset "(%[data]), %%" #w "\n\t"              \
  "pshufb %%xmm10, %%" #w "\n\t"

// `blocks` must not be 0.
void PairBlocks(Chain chains[2], const uint8_t* data, size_t blocks) {
  const __m128i byte_order = ByteOrder();
  __asm__ volatile(
      "movdqu (%[chains]), %%xmm1\n\t"
      "movdqu 16(%[chains]), %%xmm2\n\t"
      "movdqu 32(%[chains]), %%xmm3\n\t"
      "movdqu 48(%[chains]), %%xmm4\n\t"
      "movdqu %[byte_order], %%xmm10\n\t"
      ".balign 64\n"
      "1:\n\t"
      LONGSHORE_LOAD(0, xmm5) LONGSHORE_LOAD(16, xmm6)
      LONGSHORE_LOAD(32, xmm7) LONGSHORE_LOAD(48, xmm8)
      "movdqa %%xmm1, %%xmm12\n\t"
      "movdqa %%xmm2, %%xmm13\n\t"
      "movdqa %%xmm3, %%xmm14\n\t"
      "movdqa %%xmm4, %%xmm15\n\t"
      LONGSHORE_SIXTEEN_ROUNDS_AND_WORDS(0, 1, 2, 3)
      LONGSHORE_SIXTEEN_ROUNDS_AND_WORDS(4, 5, 6, 7)
      LONGSHORE_SIXTEEN_ROUNDS_AND_WORDS(8, 9, 10, 11)
      LONGSHORE_FOUR_ROUNDS(12, xmm5) LONGSHORE_FOUR_ROUNDS(13, xmm6)
      LONGSHORE_FOUR_ROUNDS(14, xmm7) LONGSHORE_FOUR_ROUNDS(15, xmm8)
      "paddd %%xmm12, %%xmm1\n\t"
      "paddd %%xmm13, %%xmm2\n\t"
      "paddd %%xmm14, %%xmm3\n\t"
      "paddd %%xmm15, %%xmm4\n\t"
      "addq $64, %[data]\n\t"
      "subq $1, %[blocks]\n\t"
      "jnz 1b\n\t"
      "movdqu %%xmm1, (%[chains])\n\t"
      "movdqu %%xmm2, 16(%[chains])\n\t"
      "movdqu %%xmm3, 32(%[chains])\n\t"
      "movdqu %%xmm4, 48(%[chains])\n\t"
      : [data] "+r"(data), [blocks] "+r"(blocks)
      : [chains] "r"(chains), [constants] "r"(kSha256Rounds), [byte_order] "m"(byte_order)
      : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
        "xmm9", "xmm10", "xmm12", "xmm13", "xmm14", "xmm15");
}
// clang-format on

#undef LONGSHORE_WORDS
#undef LONGSHORE_FOUR_ROUNDS
#undef LONGSHORE_FOUR_ROUNDS_AND_WORDS
#undef LONGSHORE_SIXTEEN_ROUNDS_AND_WORDS
#undef LONGSHORE_LOAD

}  // namespace

void Sha256BlocksShani(Sha256State* state, const uint8_t* data, size_t blocks) {
  Chain chain = Load(*state);
  for (; blocks > 0; --blocks, data += kSha256BlockBytes) {
    const Chain before = chain;
    OneBlock(&chain, data);
    Add(&chain, before);
  }
  Store(chain, state);
}

void Sha256BlocksPairShani(Sha256State* a, Sha256State* b, const uint8_t* data, size_t blocks) {
  if (blocks == 0) return;
  Chain chains[2] = {Load(*a), Load(*b)};
  PairBlocks(chains, data, blocks);
  Store(chains[0], a);
  Store(chains[1], b);
}

void Sha256Blocks4Shani(Sha256State* states, const uint8_t* const* data, size_t blocks) {
  constexpr size_t kStreams = 4;
  Chain chains[kStreams] = {Load(states[0]), Load(states[1]), Load(states[2]), Load(states[3])};
  for (size_t offset = 0; offset < blocks * kSha256BlockBytes; offset += kSha256BlockBytes) {
    const Chain before[kStreams] = {chains[0], chains[1], chains[2], chains[3]};
    __m128i w[kStreams][4];
#pragma GCC unroll 4
    for (size_t i = 0; i < kStreams; ++i) {
#pragma GCC unroll 4
      for (size_t j = 0; j < 4; ++j) w[i][j] = LoadBigEndian(data[i] + offset + 16 * j);
    }
#pragma GCC unroll 12
    for (size_t group = 0; group < 12; ++group) {
#pragma GCC unroll 4
      for (size_t i = 0; i < kStreams; ++i) {
        __m128i& first = w[i][group % 4];
        FourRounds(&chains[i], WithConstants(first, 4 * group));
        first =
            NextWords(first, w[i][(group + 1) % 4], w[i][(group + 2) % 4], w[i][(group + 3) % 4]);
      }
    }
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) {
#pragma GCC unroll 4
      for (size_t i = 0; i < kStreams; ++i)
        FourRounds(&chains[i], WithConstants(w[i][j], 48 + 4 * j));
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < kStreams; ++i) Add(&chains[i], before[i]);
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < kStreams; ++i) Store(chains[i], &states[i]);
}

}  // namespace longshore
