// CRC32C (Castagnoli), the checksum of longshore.v1.Chunk: RFC 3720, appendix B.4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bench {

// Continues `crc` (0 for the first piece) over `size` bytes at `data`.
uint32_t Crc32c(uint32_t crc, const void* data, size_t size);

// Appends a block whose CRC is known to bytes whose CRC is known, without reading either again.
// CRC is linear, so what `size` more bytes do to the first CRC is 32 values to be XORed.
class Crc32cAppender {
 public:
  // The block that will be appended: its length and its own CRC.
  Crc32cAppender(size_t size, uint32_t block_crc);

  // The CRC of (bytes with `first_crc`) followed by the block.
  uint32_t After(uint32_t first_crc) const;

 private:
  std::array<uint32_t, 32> shifted_bits_;
  uint32_t block_crc_;
};

}  // namespace bench
