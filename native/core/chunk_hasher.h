#ifndef LONGSHORE_NATIVE_CORE_CHUNK_HASHER_H_
#define LONGSHORE_NATIVE_CORE_CHUNK_HASHER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/core/sha256.h"
#include "native/core/span.h"

namespace longshore {

constexpr size_t kChunkBytes = size_t{1} << 20;   // one SHA-256 each
constexpr size_t kBlockBytes = size_t{64} << 10;  // one CRC32C each
constexpr size_t kBlocksPerChunk = kChunkBytes / kBlockBytes;

using Digest = std::array<uint8_t, kSha256DigestBytes>;

// All that a ChunkHasher knows, at any byte offset; the journal stores it. Plain values: two
// states are interchangeable when all their fields are equal.
struct ChunkHasherState {
  uint64_t start = 0;   // where it began, a multiple of kChunkBytes
  uint64_t offset = 0;  // the next byte that it wants
  bool whole = false;   // whether it also makes the digest of everything since `start`
  Sha256State whole_state = kSha256Initial;            // after all 64-byte blocks before `offset`
  Sha256State chunk_state = kSha256Initial;            // the same, since the current chunk's start
  std::array<uint8_t, kSha256BlockBytes> tail{};       // the last `offset % 64` bytes, then zeros
  std::array<uint32_t, kBlocksPerChunk> block_crcs{};  // of the current chunk's complete blocks
  uint32_t partial_crc = 0;                            // CRC32C since the current block's start
  uint32_t blocks_crc = 0;  // CRC32C from `start` to the current block's start
};

// Chunks that are complete, in order and without a gap.
struct HashedChunks {
  uint64_t first_chunk = 0;  // its index in the file: offset / kChunkBytes
  std::vector<Digest> digests;
  // CRC32C of each 64 KiB block of these chunks: kBlocksPerChunk for each chunk, fewer for a
  // short last one, in which the last block may be short too.
  std::vector<uint32_t> block_crcs;
};

// CRCs of the parts that block boundaries cut a stretch of content into, in order: what is left of
// the block that `offset` is in, whole blocks, and the start of one.
struct PartCrcs {
  std::vector<uint32_t> parts;
  uint32_t all = 0;  // of the whole stretch
};

PartCrcs MakePartCrcs(uint64_t offset, const std::vector<Span>& pieces);

// Hashes content in one pass, in order, from an offset that is a multiple of kChunkBytes: the
// SHA-256 of each 1 MiB chunk, the CRC32C of each 64 KiB block, the CRC32C of all of it and, if
// asked for, the SHA-256 of all of it. One thread at a time. Never waits.
class ChunkHasher {
 public:
  // `start` must be a multiple of kChunkBytes (std::invalid_argument).
  ChunkHasher(uint64_t start, bool whole);
  // Carries on from a saved state; std::invalid_argument if its fields contradict each other.
  explicit ChunkHasher(const ChunkHasherState& state);

  // Takes the next `bytes` bytes, any number. Not after Finish (std::logic_error).
  void Update(const void* data, size_t bytes);
  // The same for pieces that follow each other and whose CRCs somebody has made already:
  // `crcs` must be MakePartCrcs(offset(), pieces), possibly made on another thread.
  void Update(const std::vector<Span>& pieces, const PartCrcs& crcs);

  uint64_t offset() const { return state_.offset; }
  // CRC32C of everything from `start` to offset().
  uint32_t Crc() const;

  // The state as of now. Chunks that are complete but not yet taken are not part of it.
  const ChunkHasherState& Save() const { return state_; }

  // Chunks completed since the last call (or since the state was restored).
  HashedChunks TakeChunks();

  // The content ends here: completes a short last chunk, which TakeChunks then gives. Empty
  // content has no chunks. Crc and WholeDigest stay valid, Save does not.
  void Finish();

  // SHA-256 of everything from `start` to offset(), at any time. Needs `whole`
  // (std::logic_error).
  Digest WholeDigest() const;

 private:
  void DigestWithinBlock(const uint8_t* data, size_t bytes);
  void HashBlocks(const uint8_t* data, size_t blocks);
  void CompleteBlock();
  void CompleteChunk();

  ChunkHasherState state_;
  HashedChunks done_;
  bool finished_ = false;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_CHUNK_HASHER_H_
