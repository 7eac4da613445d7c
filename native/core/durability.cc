#include "native/core/durability.h"

#include <algorithm>

#include "native/core/crc32c.h"

namespace longshore {

namespace {

uint32_t CrcOf(const ChunkClaim& claim) {
  uint32_t crc = 0;
  uint64_t left = claim.bytes;
  for (const uint32_t block : claim.block_crcs) {
    if (left == 0) break;
    const uint64_t bytes = std::min<uint64_t>(left, kBlockBytes);
    crc = Crc32cCombine(crc, block, bytes);
    left -= bytes;
  }
  return crc;
}

}  // namespace

void Durability::SetFrontier(uint64_t offset, uint32_t crc) {
  ranges_.Add(0, offset);
  frontier_ = {offset, crc};
  if (offset >= prefix_.offset) prefix_ = frontier_;
  ahead_.erase(ahead_.begin(), ahead_.lower_bound(ChunksIn(offset)));
  Advance();
}

void Durability::AddChunk(uint64_t index, const ChunkClaim& claim) {
  const uint64_t start = index * kChunkBytes;
  // Below the frontier it is known already; a chunk that the frontier is in the middle of has a
  // CRC that cannot be joined to the prefix's, and the frontier will have it soon.
  if (start < frontier_.offset) return;
  ranges_.Add(start, start + claim.bytes);
  ahead_.insert_or_assign(index, Ahead{claim.bytes, CrcOf(claim)});
  Advance();
}

void Durability::DropChunk(uint64_t index) {
  const auto found = ahead_.find(index);
  if (found == ahead_.end()) return;
  const uint64_t start = index * kChunkBytes;
  ranges_.Remove(start, start + found->second.bytes);
  ahead_.erase(found);
  if (prefix_.offset > start) {
    prefix_ = frontier_;
    Advance();
  }
}

void Durability::Advance() {
  while (prefix_.offset % kChunkBytes == 0) {
    const auto next = ahead_.find(prefix_.offset / kChunkBytes);
    if (next == ahead_.end()) return;
    prefix_.crc = Crc32cCombine(prefix_.crc, next->second.crc, next->second.bytes);
    prefix_.offset += next->second.bytes;
  }
}

Persisted Durability::Sum() const { return {prefix_.offset, prefix_.crc, ranges_.Ranges()}; }

}  // namespace longshore
