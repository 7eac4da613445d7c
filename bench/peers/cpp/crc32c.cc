#include "crc32c.h"

#include <cstring>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace bench {
namespace {

uint32_t UpdateByte(uint32_t state, uint8_t byte) {
#if defined(__SSE4_2__)
  return _mm_crc32_u8(state, byte);
#elif defined(__ARM_FEATURE_CRC32)
  return __crc32cb(state, byte);
#else
  state ^= byte;
  for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) ? 0x82f63b78u : 0u);
  return state;
#endif
}

uint32_t UpdateWord(uint32_t state, uint64_t word) {
#if defined(__SSE4_2__)
  return static_cast<uint32_t>(_mm_crc32_u64(state, word));
#elif defined(__ARM_FEATURE_CRC32)
  return __crc32cd(state, word);
#else
  for (int i = 0; i < 8; ++i) state = UpdateByte(state, static_cast<uint8_t>(word >> (8 * i)));
  return state;
#endif
}

uint32_t UpdateZeros(uint32_t state, size_t size) {
  for (; size >= 8; size -= 8) state = UpdateWord(state, 0);
  for (; size > 0; --size) state = UpdateByte(state, 0);
  return state;
}

}  // namespace

uint32_t Crc32c(uint32_t crc, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  uint32_t state = ~crc;
  for (; size >= 8; bytes += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    state = UpdateWord(state, word);
  }
  for (; size > 0; ++bytes, --size) state = UpdateByte(state, *bytes);
  return ~state;
}

Crc32cAppender::Crc32cAppender(size_t size, uint32_t block_crc) : block_crc_(block_crc) {
  for (uint32_t bit = 0; bit < 32; ++bit) shifted_bits_[bit] = UpdateZeros(1u << bit, size);
}

uint32_t Crc32cAppender::After(uint32_t first_crc) const {
  uint32_t shifted = 0;
  for (uint32_t bit = 0; bit < 32; ++bit) {
    if ((first_crc >> bit) & 1) shifted ^= shifted_bits_[bit];
  }
  return shifted ^ block_crc_;
}

}  // namespace bench
