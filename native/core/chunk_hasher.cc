#include "native/core/chunk_hasher.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "native/core/crc32c.h"

namespace longshore {

namespace {

bool SameState(const Sha256State& a, const Sha256State& b) {
  return std::equal(std::begin(a.h), std::end(a.h), std::begin(b.h));
}

// In the first chunk, the digest of everything and the digest of the chunk are the same digest.
bool InFirstChunk(const ChunkHasherState& state) {
  return state.offset - state.start < kChunkBytes;
}

void Check(const ChunkHasherState& state) {
  if (state.start % kChunkBytes != 0) {
    throw std::invalid_argument("a chunk hasher starts at a multiple of its chunk size");
  }
  if (state.offset < state.start) {
    throw std::invalid_argument("a chunk hasher's offset is before its start");
  }
  if (state.whole && InFirstChunk(state) && !SameState(state.whole_state, state.chunk_state)) {
    throw std::invalid_argument("a chunk hasher's digests differ within the first chunk");
  }
}

}  // namespace

PartCrcs MakePartCrcs(uint64_t offset, const std::vector<Span>& pieces) {
  PartCrcs made;
  uint32_t crc = 0;
  size_t part_bytes = 0;
  const auto end_part = [&] {
    made.parts.push_back(crc);
    made.all = Crc32cCombine(made.all, crc, part_bytes);
    crc = 0;
    part_bytes = 0;
  };
  for (const Span& piece : pieces) {
    for (size_t done = 0; done < piece.bytes;) {
      const size_t room = kBlockBytes - offset % kBlockBytes;
      const size_t taken = std::min(piece.bytes - done, room);
      crc = Crc32c(crc, piece.data + done, taken);
      part_bytes += taken;
      done += taken;
      offset += taken;
      if (taken == room) end_part();
    }
  }
  if (part_bytes > 0) end_part();
  return made;
}

ChunkHasher::ChunkHasher(uint64_t start, bool whole) {
  state_.start = start;
  state_.offset = start;
  state_.whole = whole;
  Check(state_);
  done_.first_chunk = start / kChunkBytes;
}

ChunkHasher::ChunkHasher(const ChunkHasherState& state) : state_(state) {
  Check(state_);
  done_.first_chunk = state_.offset / kChunkBytes;
}

void ChunkHasher::Update(const void* data, size_t bytes) {
  if (finished_) throw std::logic_error("a chunk hasher that is finished takes no more");
  const auto* from = static_cast<const uint8_t*>(data);
  while (bytes > 0) {
    const size_t room = kBlockBytes - state_.offset % kBlockBytes;
    const size_t taken = std::min(bytes, room);
    // The CRC goes first: it brings the block into the cache, where the slower digest finds it.
    state_.partial_crc = Crc32c(state_.partial_crc, from, taken);
    DigestWithinBlock(from, taken);
    if (taken == room) CompleteBlock();
    from += taken;
    bytes -= taken;
  }
}

void ChunkHasher::Update(const std::vector<Span>& pieces, const PartCrcs& crcs) {
  if (finished_) throw std::logic_error("a chunk hasher that is finished takes no more");
  size_t part = 0;
  size_t part_bytes = 0;
  const auto end_part = [&] {
    state_.partial_crc = Crc32cCombine(state_.partial_crc, crcs.parts.at(part++), part_bytes);
    part_bytes = 0;
  };
  for (const Span& piece : pieces) {
    for (size_t done = 0; done < piece.bytes;) {
      const size_t room = kBlockBytes - state_.offset % kBlockBytes;
      const size_t taken = std::min(piece.bytes - done, room);
      DigestWithinBlock(piece.data + done, taken);
      part_bytes += taken;
      done += taken;
      if (taken < room) continue;
      end_part();
      CompleteBlock();
    }
  }
  if (part_bytes > 0) end_part();
}

void ChunkHasher::DigestWithinBlock(const uint8_t* data, size_t bytes) {
  const size_t tail_bytes = state_.offset % kSha256BlockBytes;
  if (tail_bytes > 0) {
    const size_t taken = std::min(bytes, kSha256BlockBytes - tail_bytes);
    std::memcpy(state_.tail.data() + tail_bytes, data, taken);
    if (tail_bytes + taken == kSha256BlockBytes) {
      HashBlocks(state_.tail.data(), 1);
      state_.tail.fill(0);
    }
    state_.offset += taken;
    data += taken;
    bytes -= taken;
  }
  const size_t blocks = bytes / kSha256BlockBytes;
  if (blocks > 0) HashBlocks(data, blocks);
  const size_t rest = bytes % kSha256BlockBytes;
  if (rest > 0) std::memcpy(state_.tail.data(), data + blocks * kSha256BlockBytes, rest);
  state_.offset += bytes;
}

void ChunkHasher::HashBlocks(const uint8_t* data, size_t blocks) {
  if (!state_.whole) {
    Sha256Blocks(&state_.chunk_state, data, blocks);
  } else if (InFirstChunk(state_)) {
    Sha256Blocks(&state_.chunk_state, data, blocks);
    state_.whole_state = state_.chunk_state;
  } else {
    Sha256BlocksPair(&state_.whole_state, &state_.chunk_state, data, blocks);
  }
}

void ChunkHasher::CompleteBlock() {
  const uint64_t block = (state_.offset - 1) / kBlockBytes;
  state_.block_crcs.at(block % kBlocksPerChunk) = state_.partial_crc;
  state_.blocks_crc = Crc32cCombine(state_.blocks_crc, state_.partial_crc, kBlockBytes);
  state_.partial_crc = 0;
  if (state_.offset % kChunkBytes == 0) CompleteChunk();
}

void ChunkHasher::CompleteChunk() {
  const uint64_t bytes = (state_.offset - 1) % kChunkBytes + 1;
  Digest& digest = done_.digests.emplace_back();
  Sha256Finish(state_.chunk_state, state_.tail.data(), bytes, digest.data());
  const uint64_t blocks = (bytes + kBlockBytes - 1) / kBlockBytes;
  done_.block_crcs.insert(done_.block_crcs.end(), state_.block_crcs.begin(),
                          state_.block_crcs.begin() + static_cast<std::ptrdiff_t>(blocks));
  state_.chunk_state = kSha256Initial;
  state_.block_crcs.fill(0);
}

uint32_t ChunkHasher::Crc() const {
  return Crc32cCombine(state_.blocks_crc, state_.partial_crc, state_.offset % kBlockBytes);
}

HashedChunks ChunkHasher::TakeChunks() {
  HashedChunks taken = std::move(done_);
  done_ = {};
  done_.first_chunk = taken.first_chunk + taken.digests.size();
  return taken;
}

void ChunkHasher::Finish() {
  if (finished_) return;
  finished_ = true;
  if (state_.offset % kChunkBytes == 0) return;
  if (state_.offset % kBlockBytes != 0) {
    state_.block_crcs.at(state_.offset / kBlockBytes % kBlocksPerChunk) = state_.partial_crc;
  }
  CompleteChunk();
}

Digest ChunkHasher::WholeDigest() const {
  if (!state_.whole) throw std::logic_error("this chunk hasher makes no digest of the whole");
  Digest digest;
  Sha256Finish(state_.whole_state, state_.tail.data(), state_.offset - state_.start, digest.data());
  return digest;
}

}  // namespace longshore
