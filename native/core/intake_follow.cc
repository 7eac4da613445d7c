#include <algorithm>
#include <string>
#include <utility>

#include "native/core/intake.h"
#include "native/core/posix_file.h"
#include "native/core/storage_error.h"

// The part of Intake that reads: the frontier takes in chunks that were written ahead of it, and
// the end of the content sums everything up.

namespace longshore {

bool Intake::CanFollow(const WriteRun& run) const {
  if (!run.frontier || !run.ops.empty() || poison_) return false;
  const auto chunk = chunks_.find(run.next / kChunkBytes);
  if (chunk == chunks_.end()) return false;
  const uint64_t end = chunk->first * kChunkBytes + chunk->second.bytes;
  // A short chunk is followed by nothing, so it must be known to be the last.
  return end > run.next && (chunk->second.bytes == kChunkBytes || end == end_);
}

// Reads what the frontier lacks of the chunk that it stands in. The digest that comes out covers
// the whole chunk, so it also speaks for what the frontier had of it before.
void Intake::FollowOne(Lock& lock, WriteRun& run) {
  const uint64_t index = run.next / kChunkBytes;
  const ChunkClaim claim = chunks_.at(index);
  const uint64_t from = run.next;
  const auto bytes = static_cast<size_t>(index * kChunkBytes + claim.bytes - from);
  following_ = true;
  lock.unlock();
  ChunkHasher trial = run.hasher;
  HashedChunks hashed;
  std::exception_ptr failure;
  bool there = false;
  try {
    follow_buffer_.resize(kChunkBytes);
    there = ReadAt(content_.get(), path_, from, follow_buffer_.data(), bytes) == bytes;
    trial.Update(follow_buffer_.data(), there ? bytes : 0);
    if (claim.bytes < kChunkBytes) {
      ChunkHasher last = trial;
      last.Finish();
      hashed = last.TakeChunks();
    } else {
      hashed = trial.TakeChunks();
    }
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  following_ = false;
  if (failure) {
    PoisonAll(failure);
    return;
  }
  const auto now = chunks_.find(index);
  // Written over meanwhile: what was read says nothing.
  if (now == chunks_.end() || now->second != claim) return;
  if (!there || hashed.digests.empty() || hashed.digests.front() != claim.digest) {
    Forget(index);
    changed_.insert(index);
    return;
  }
  run.hasher = std::move(trial);
  run.next = from + bytes;
  settled_frontier_ = run.hasher.Save();
  news_.frontier = settled_frontier_;
}

Content Intake::ContentOf(const ChunkHasher& whole, uint64_t size) const {
  Content content;
  content.size = size;
  content.sha256 = whole.WholeDigest();
  content.crc32c = whole.Crc();
  for (uint64_t index = 0; index < ChunksIn(size); ++index) {
    const ChunkClaim& claim = chunks_.at(index);
    content.chunk_digests.push_back(claim.digest);
    content.block_crcs.insert(
        content.block_crcs.end(), claim.block_crcs.begin(),
        claim.block_crcs.begin() + static_cast<std::ptrdiff_t>(BlocksIn(claim.bytes)));
  }
  return content;
}

Content Intake::Finish(uint64_t size, const std::atomic<bool>* aborted) {
  Lock lock(mutex_);
  idle_.wait(lock, [this] { return !frontier_->busy; });
  WriteRun& frontier = *frontier_;
  const std::string tried = "finish " + path_;
  uint64_t written = frontier.next;
  for (const RunPointer& run : ahead_) written = std::max(written, run->next);
  if (!chunks_.empty()) {
    const auto& [index, claim] = *chunks_.rbegin();
    written = std::max(written, index * kChunkBytes + claim.bytes);
  }
  if (written > size || (total_bytes_ && *total_bytes_ != size)) {
    const uint64_t expected = total_bytes_.value_or(written);
    throw StorageError("SIZE_MISMATCH",
                       tried + ": the size is not that of what was written or announced",
                       {{"expected", expected}, {"actual", size}});
  }
  end_ = size;
  for (const RunPointer& run : ahead_) {
    // A short chunk at the end that nobody knew to be the last one.
    if (run->next != size || size % kChunkBytes == 0 || run->ended) continue;
    ChunkHasher last = run->hasher;
    last.Finish();
    Record(*run, last.TakeChunks(), size);
  }
  frontier.busy = true;
  const auto leave = [&] { return aborted != nullptr && *aborted; };
  while (frontier.next < size && CanFollow(frontier) && !leave()) FollowOne(lock, frontier);
  frontier.busy = false;
  if (leave()) throw StorageError("ABORTED", tried + ": aborted");
  if (poison_) std::rethrow_exception(poison_);
  const uint64_t stuck = frontier.next;
  if (stuck < size) {
    const uint64_t chunk = stuck / kChunkBytes;
    if (changed_.count(chunk) != 0) {
      throw StorageError("CHUNK_CHANGED", tried + ": a chunk is no longer what was written",
                         {{"offset", chunk * kChunkBytes}, {"chunk", chunk}});
    }
    throw StorageError("INCOMPLETE", tried + ": bytes are missing at " + std::to_string(stuck),
                       {{"offset", stuck}, {"expected", size}, {"actual", stuck}});
  }
  ChunkHasher whole = frontier.hasher;
  whole.Finish();
  Record(frontier, whole.TakeChunks(), size);
  const uint64_t on_disk = FileSize(content_.get(), path_);
  // An opening that died may have written further than anybody knows of.
  if (on_disk > size) Truncate(content_.get(), path_, size);
  if (on_disk < size) {
    throw StorageError("INCOMPLETE", tried + ": the file is shorter than what was written",
                       {{"offset", on_disk}, {"expected", size}, {"actual", on_disk}});
  }
  return ContentOf(whole, size);
}

void Intake::Drop(const std::vector<uint64_t>& chunks) {
  const Lock lock(mutex_);
  const uint64_t passed = frontier_->next / kChunkBytes;
  bool back = false;
  for (const uint64_t chunk : chunks) {
    back = back || chunk <= passed;
    Forget(chunk);
    changed_.insert(chunk);
  }
  if (!back) return;
  frontier_ = std::make_shared<WriteRun>(0, true);
  settled_frontier_ = frontier_->hasher.Save();
  news_.frontier = settled_frontier_;
  news_.frontier_went_back = true;
}

}  // namespace longshore
