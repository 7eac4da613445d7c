#include <algorithm>
#include <string>

#include "native/core/intake.h"
#include "native/core/storage_error.h"

// The part of Intake that knows what lies where: which run a write continues or begins, and which
// chunks it makes out of date.

namespace longshore {

namespace {

constexpr size_t kRunsMax = 64;

constexpr uint64_t ChunkStart(uint64_t offset) { return offset - offset % kChunkBytes; }

StorageError Misplaced(uint64_t offset, uint64_t expected, const char* why) {
  return {"OFFSET_MISMATCH",
          "write at " + std::to_string(offset) + ": " + why,
          {{"offset", offset}, {"expected", expected}}};
}

// Where the part of a run begins that its settled chunks do not cover: the chunk it is in the
// middle of, and what is under way.
uint64_t TailStart(const WriteRun& run) {
  return ChunkStart(run.ops.empty() ? run.next : run.ops.front()->offset);
}

}  // namespace

// Where the bytes that were received without a gap from `offset` on end.
uint64_t Intake::ReceivedFrom(uint64_t offset) const {
  uint64_t at = std::max(offset, frontier_->next);
  while (true) {
    const auto chunk = chunks_.find(at / kChunkBytes);
    uint64_t end = chunk == chunks_.end() ? 0 : ChunkStart(at) + chunk->second.bytes;
    for (const RunPointer& run : ahead_) {
      if (!run->ended && TailStart(*run) <= at) end = std::max(end, run->next);
    }
    if (end <= at) return at;
    at = end;
  }
}

// Whether [begin, end) has settled: within the prefix, or in chunks that follow each other.
bool Intake::Holds(uint64_t begin, uint64_t end) const {
  if (end <= ReceivedFrom(0)) return true;
  uint64_t at = begin;
  while (at < end) {
    const auto chunk = chunks_.find(at / kChunkBytes);
    const uint64_t chunk_end = chunk == chunks_.end() ? 0 : ChunkStart(at) + chunk->second.bytes;
    if (chunk_end <= at) return false;
    at = chunk_end;
  }
  return true;
}

Intake::RunPointer Intake::RunFor(uint64_t offset, uint64_t bytes) {
  if (total_bytes_ && (offset > *total_bytes_ || bytes > *total_bytes_ - offset)) {
    throw StorageError(
        "SIZE_MISMATCH",
        "write at " + std::to_string(offset) + ": it reaches beyond the announced size",
        {{"offset", offset}, {"expected", *total_bytes_}, {"actual", offset + bytes}});
  }
  const uint64_t received = ReceivedFrom(0);
  if (exclusive_ && offset != received)
    throw Misplaced(offset, received, "it does not continue what is there");
  // Where a frontier that is following stands, another run may begin.
  if (offset == frontier_->next && !following_) {
    TakeGround(frontier_.get(), offset, bytes);
    if (frontier_->failing)
      throw StorageError("ABORTED", "write to " + path_ + ": one before it failed");
    return frontier_;
  }
  for (auto run = ahead_.begin(); run != ahead_.end(); ++run) {
    if ((*run)->next != offset || (*run)->ended) continue;
    if ((*run)->failing)
      throw StorageError("ABORTED", "write to " + path_ + ": one before it failed");
    TakeGround(run->get(), offset, bytes);
    std::rotate(run, run + 1, ahead_.end());
    return ahead_.back();
  }
  if (offset < frontier_->next)
    throw Misplaced(offset, received, "what is there is hashed already");
  if (offset % kChunkBytes != 0)
    throw Misplaced(offset, received, "a run begins at a multiple of 1 MiB");
  TakeGround(nullptr, offset, bytes);
  return NewRun(offset);
}

Intake::RunPointer Intake::NewRun(uint64_t offset) {
  if (ahead_.size() >= kRunsMax) {
    const auto unused = std::find_if(ahead_.begin(), ahead_.end(),
                                     [](const RunPointer& run) { return run->ops.empty(); });
    if (unused == ahead_.end())
      throw StorageError("ABORTED", "write to " + path_ + ": too many runs at once");
    ahead_.erase(unused);
  }
  ahead_.push_back(std::make_shared<WriteRun>(offset, false));
  return ahead_.back();
}

// Two writes of the same bytes at once would leave on disk whichever came last, whatever was
// hashed. And what lay there before no longer counts.
void Intake::TakeGround(const WriteRun* run, uint64_t offset, uint64_t bytes) {
  const uint64_t end = offset + bytes;
  const auto overlaps = [&](const OpPointer& op) {
    return op->offset < end && offset < op->offset + op->bytes;
  };
  const auto check = [&](const RunPointer& other) {
    if (std::any_of(other->ops.begin(), other->ops.end(), overlaps)) {
      throw Misplaced(offset, ReceivedFrom(0), "it overlaps a write that is under way");
    }
  };
  check(frontier_);
  for (const RunPointer& other : ahead_) check(other);
  for (const RunPointer& other : ahead_) {
    if (other.get() != run && offset < other->next && ChunkStart(other->next) < end)
      other->ended = true;
  }
  ahead_.erase(
      std::remove_if(ahead_.begin(), ahead_.end(),
                     [](const RunPointer& other) { return other->ended && other->ops.empty(); }),
      ahead_.end());
  for (uint64_t chunk = offset / kChunkBytes; chunk * kChunkBytes < end; ++chunk) {
    changed_.erase(chunk);
    Forget(chunk);
  }
}

void Intake::Forget(uint64_t chunk) {
  if (chunks_.erase(chunk) == 0) return;
  news_.chunks.erase(chunk);
  news_.dropped.push_back(chunk);
}

void Intake::Record(const WriteRun& run, const HashedChunks& hashed, uint64_t end) {
  for (size_t i = 0; i < hashed.digests.size(); ++i) {
    const uint64_t index = hashed.first_chunk + i;
    // What the frontier has passed is the frontier's to say.
    if (!run.frontier && index < frontier_->next / kChunkBytes) continue;
    ChunkClaim claim;
    claim.bytes = static_cast<uint32_t>(std::min<uint64_t>(kChunkBytes, end - index * kChunkBytes));
    claim.digest = hashed.digests[i];
    const size_t first_block = i * kBlocksPerChunk;
    for (size_t b = 0; b < BlocksIn(claim.bytes); ++b) {
      claim.block_crcs.at(b) = hashed.block_crcs.at(first_block + b);
    }
    chunks_.insert_or_assign(index, claim);
    news_.chunks.insert_or_assign(index, claim);
  }
}

}  // namespace longshore
