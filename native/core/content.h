#ifndef LONGSHORE_NATIVE_CORE_CONTENT_H_
#define LONGSHORE_NATIVE_CORE_CONTENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/core/chunk_hasher.h"

namespace longshore {

// Everything that the digests say about a whole content; a manifest stores it.
struct Content {
  uint64_t size = 0;
  Digest sha256{};
  uint32_t crc32c = 0;
  std::vector<Digest> chunk_digests;
  std::vector<uint32_t> block_crcs;
};

// One hashed chunk.
struct ChunkClaim {
  uint32_t bytes = 0;  // kChunkBytes, or less for the last chunk of the content
  Digest digest{};
  std::array<uint32_t, kBlocksPerChunk> block_crcs{};  // zero beyond the last block

  bool operator==(const ChunkClaim& other) const {
    return bytes == other.bytes && digest == other.digest;
  }
  bool operator!=(const ChunkClaim& other) const { return !(*this == other); }
};

constexpr uint64_t ChunksIn(uint64_t bytes) {
  return bytes / kChunkBytes + (bytes % kChunkBytes != 0 ? 1 : 0);
}
constexpr uint64_t BlocksIn(uint64_t bytes) {
  return bytes / kBlockBytes + (bytes % kBlockBytes != 0 ? 1 : 0);
}

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_CONTENT_H_
