// SHA-256 with the cryptographic extension of ARMv8 (Arm ARM, SHA256H, SHA256H2, SHA256SU0,
// SHA256SU1).

#include <arm_neon.h>

#include "native/core/sha256_kernels.h"

namespace longshore {

namespace {

struct Chain {
  uint32x4_t abcd;
  uint32x4_t efgh;
};

inline Chain Load(const Sha256State& state) { return {vld1q_u32(state.h), vld1q_u32(state.h + 4)}; }

inline void Store(const Chain& chain, Sha256State* state) {
  vst1q_u32(state->h, chain.abcd);
  vst1q_u32(state->h + 4, chain.efgh);
}

inline void Add(Chain* chain, const Chain& before) {
  chain->abcd = vaddq_u32(chain->abcd, before.abcd);
  chain->efgh = vaddq_u32(chain->efgh, before.efgh);
}

inline uint32x4_t LoadBigEndian(const uint8_t* data) {
  return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data)));
}

// Four rounds; `words` holds w[t..t+3] + K[t..t+3].
inline void FourRounds(Chain* chain, uint32x4_t words) {
  const uint32x4_t abcd = chain->abcd;
  chain->abcd = vsha256hq_u32(abcd, chain->efgh, words);
  chain->efgh = vsha256h2q_u32(chain->efgh, abcd, words);
}

inline uint32x4_t WithConstants(uint32x4_t words, size_t round) {
  return vaddq_u32(words, vld1q_u32(kSha256Rounds + round));
}

// w[t+16..t+19], which takes the place of w[t..t+3], from these and the twelve words after them.
inline uint32x4_t NextWords(uint32x4_t w0, uint32x4_t w4, uint32x4_t w8, uint32x4_t w12) {
  return vsha256su1q_u32(vsha256su0q_u32(w0, w4), w8, w12);
}

// One block of one message into every chain.
template <size_t kChains>
inline void OneBlock(Chain* chains, const uint8_t* data) {
  uint32x4_t w[4];
  for (size_t i = 0; i < 4; ++i) w[i] = LoadBigEndian(data + 16 * i);
#pragma GCC unroll 16
  for (size_t group = 0; group < 16; ++group) {
    uint32x4_t& first = w[group % 4];
    const uint32x4_t words = WithConstants(first, 4 * group);
    for (size_t i = 0; i < kChains; ++i) FourRounds(&chains[i], words);
    if (group < 12) {
      first = NextWords(first, w[(group + 1) % 4], w[(group + 2) % 4], w[(group + 3) % 4]);
    }
  }
}

constexpr size_t kStreams = 4;

// One block of each message into its own chain.
inline void OneBlockEach(Chain* chains, const uint8_t* const* data, size_t offset) {
  uint32x4_t w[kStreams][4];
  for (size_t i = 0; i < kStreams; ++i) {
    for (size_t j = 0; j < 4; ++j) w[i][j] = LoadBigEndian(data[i] + offset + 16 * j);
  }
#pragma GCC unroll 16
  for (size_t group = 0; group < 16; ++group) {
#pragma GCC unroll 4
    for (size_t i = 0; i < kStreams; ++i) {
      uint32x4_t& first = w[i][group % 4];
      FourRounds(&chains[i], WithConstants(first, 4 * group));
      if (group < 12) {
        first =
            NextWords(first, w[i][(group + 1) % 4], w[i][(group + 2) % 4], w[i][(group + 3) % 4]);
      }
    }
  }
}

}  // namespace

void Sha256BlocksArmv8(Sha256State* state, const uint8_t* data, size_t blocks) {
  Chain chain = Load(*state);
  for (; blocks > 0; --blocks, data += kSha256BlockBytes) {
    const Chain before = chain;
    OneBlock<1>(&chain, data);
    Add(&chain, before);
  }
  Store(chain, state);
}

void Sha256BlocksPairArmv8(Sha256State* a, Sha256State* b, const uint8_t* data, size_t blocks) {
  Chain chains[2] = {Load(*a), Load(*b)};
  for (; blocks > 0; --blocks, data += kSha256BlockBytes) {
    const Chain before[2] = {chains[0], chains[1]};
    OneBlock<2>(chains, data);
    Add(&chains[0], before[0]);
    Add(&chains[1], before[1]);
  }
  Store(chains[0], a);
  Store(chains[1], b);
}

void Sha256Blocks4Armv8(Sha256State* states, const uint8_t* const* data, size_t blocks) {
  Chain chains[kStreams] = {Load(states[0]), Load(states[1]), Load(states[2]), Load(states[3])};
  for (size_t offset = 0; offset < blocks * kSha256BlockBytes; offset += kSha256BlockBytes) {
    const Chain before[kStreams] = {chains[0], chains[1], chains[2], chains[3]};
    OneBlockEach(chains, data, offset);
    for (size_t i = 0; i < kStreams; ++i) Add(&chains[i], before[i]);
  }
  for (size_t i = 0; i < kStreams; ++i) Store(chains[i], &states[i]);
}

}  // namespace longshore
