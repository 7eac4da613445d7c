#include "native/core/intake.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "native/core/posix_file.h"
#include "native/core/storage_error.h"
#include "native/core/thread_pool.h"

namespace longshore {

namespace {

constexpr size_t kWritesInFlightMax = 1024;

uint64_t BytesIn(const std::vector<Span>& segments) {
  uint64_t bytes = 0;
  for (const Span& segment : segments) bytes += segment.bytes;
  return bytes;
}

void CheckCrc(uint64_t offset, std::optional<uint32_t> claimed, uint32_t actual) {
  if (!claimed || *claimed == actual) return;
  throw StorageError("CHUNK_CORRUPT",
                     "write at " + std::to_string(offset) +
                         ": the CRC32C that came with it is not that of its bytes",
                     {{"offset", offset}, {"expected", *claimed}, {"actual", actual}});
}

}  // namespace

Intake::Intake(UniqueFd content, std::string path, bool exclusive,
               std::optional<uint64_t> total_bytes, std::function<void()> on_settled)
    : content_(std::move(content)),
      path_(std::move(path)),
      exclusive_(exclusive),
      total_bytes_(total_bytes),
      on_settled_(std::move(on_settled)),
      frontier_(std::make_shared<WriteRun>(0, true)),
      settled_frontier_(frontier_->hasher.Save()),
      end_(total_bytes) {}

void Intake::Adopt(const ChunkClaims& chunks, const std::optional<ChunkHasherState>& frontier,
                   bool as_news) {
  const Lock lock(mutex_);
  for (const auto& [index, claim] : chunks) {
    if (!chunks_.try_emplace(index, claim).second) continue;
    changed_.erase(index);
    if (as_news) news_.chunks.insert_or_assign(index, claim);
  }
  if (!frontier || frontier->offset <= frontier_->next) return;
  // A digest of the whole that went over other chunks than those known here does not count.
  for (uint64_t index = 0; index < frontier->offset / kChunkBytes; ++index) {
    const auto theirs = chunks.find(index);
    if (theirs == chunks.end() || chunks_.at(index) != theirs->second) return;
  }
  frontier_->hasher = ChunkHasher(*frontier);
  frontier_->next = frontier->offset;
  settled_frontier_ = *frontier;
  if (as_news) news_.frontier = settled_frontier_;
}

void Intake::CheckUsable() const {
  if (poison_) std::rethrow_exception(poison_);
  if (stopped_) throw StorageError("CLOSED", "write to " + path_ + ": it is closed");
  if (holds_ > 0)
    throw StorageError("CLOSED", "write to " + path_ + ": it is finished or being finished");
}

void Intake::Write(uint64_t offset, std::vector<Span> segments, std::optional<uint32_t> crc,
                   Done<Nothing> done) {
  auto op = std::make_shared<WriteOp>();
  op->offset = offset;
  op->bytes = BytesIn(segments);
  op->segments = std::move(segments);
  op->crc = crc;
  op->done = std::move(done);
  if (op->bytes == 0) {
    CheckCrc(offset, crc, 0);
    op->done({Nothing{}, nullptr});
    return;
  }
  RunPointer run;
  {
    const Lock lock(mutex_);
    CheckUsable();
    if (in_flight_ >= kWritesInFlightMax) {
      throw StorageError("ABORTED", "write to " + path_ + ": too many writes are under way");
    }
    run = RunFor(offset, op->bytes);
    run->next += op->bytes;
    run->ops.push_back(op);
    op->epoch = epochs_.Enter();
    ++in_flight_;
  }
  IoPool().Post([self = shared_from_this(), run, op] { self->WriteToDisk(run, op); });
}

void Intake::WriteToDisk(const RunPointer& run, const OpPointer& op) {
  std::exception_ptr corrupt;
  try {
    op->crcs = MakePartCrcs(op->offset, op->segments);
    CheckCrc(op->offset, op->crc, op->crcs.all);
  } catch (...) {
    corrupt = std::current_exception();
  }
  Lock lock(mutex_);
  if (corrupt && !op->failure) {
    op->failure = corrupt;
    run->failing = true;
    bool behind = false;
    for (const OpPointer& other : run->ops) {
      if (behind && !other->failure) {
        other->failure = std::make_exception_ptr(StorageError(
            "ABORTED", "write at " + std::to_string(other->offset) + ": one before it failed"));
      }
      behind = behind || other == op;
    }
  }
  if (!op->failure) {
    op->checked = true;
    StartWork(run);
    lock.unlock();
    std::exception_ptr failure;
    try {
      WriteAt(content_.get(), path_, op->offset, op->segments);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) PoisonAll(failure);
  }
  op->left_disk = true;
  Announce(lock, run);
}

void Intake::StartWork(const RunPointer& run) {
  if (run->busy) return;
  const bool to_hash = run->hashed < run->ops.size() && run->ops[run->hashed]->checked;
  if (!to_hash && (holds_ > 0 || !CanFollow(*run))) return;
  run->busy = true;
  // Following reads the disk, which may keep us waiting.
  ThreadPool& pool = to_hash ? ComputePool() : SlowPool();
  pool.Post([self = shared_from_this(), run] {
    Lock lock(self->mutex_);
    self->Work(lock, run);
  });
}

void Intake::Work(Lock& lock, const RunPointer& run) {
  while (true) {
    const OpPointer op = run->hashed < run->ops.size() ? run->ops[run->hashed] : nullptr;
    if (op && op->checked && !op->failure) {
      HashOne(lock, run, op);
    } else if (holds_ == 0 && CanFollow(*run)) {
      FollowOne(lock, *run);
    } else {
      break;
    }
    Announce(lock, run);
  }
  run->busy = false;
  idle_.notify_all();
  Announce(lock, run);
}

void Intake::HashOne(Lock& lock, const RunPointer& run, const OpPointer& op) {
  op->hashing = true;
  lock.unlock();
  run->hasher.Update(op->segments, op->crcs);
  op->chunks = run->hasher.TakeChunks();
  if (run->frontier) op->after = run->hasher.Save();
  if (op->offset + op->bytes == total_bytes_ && !run->frontier) {
    // The short chunk at the very end. (The frontier's is made by Finish.)
    ChunkHasher last = run->hasher;
    last.Finish();
    const HashedChunks end = last.TakeChunks();
    if (op->chunks.digests.empty()) op->chunks.first_chunk = end.first_chunk;
    op->chunks.digests.insert(op->chunks.digests.end(), end.digests.begin(), end.digests.end());
    op->chunks.block_crcs.insert(op->chunks.block_crcs.end(), end.block_crcs.begin(),
                                 end.block_crcs.end());
  }
  lock.lock();
  op->hashing = false;
  op->hashed = true;
  ++run->hashed;
}

void Intake::PoisonAll(const std::exception_ptr& failure) {
  if (!poison_) poison_ = failure;
  const auto fail = [this](const RunPointer& run) {
    if (!run->ops.empty()) run->failing = true;
    for (const OpPointer& op : run->ops) {
      if (!op->failure) op->failure = poison_;
    }
  };
  fail(frontier_);
  for (const RunPointer& run : ahead_) fail(run);
}

// Takes from the front of the run what has settled. Writes that failed leave together, when none of
// them is touched any more: only then is it known where the run goes on.
void Intake::Announce(Lock& lock, const RunPointer& run) {
  std::vector<OpPointer> settled;
  while (!run->ops.empty() && !run->ops.front()->failure) {
    const OpPointer& op = run->ops.front();
    if (!op->left_disk || !op->hashed) break;
    Record(*run, op->chunks, op->offset + op->bytes);
    if (run->frontier) {
      settled_frontier_ = op->after;
      news_.frontier = op->after;
    }
    settled.push_back(op);
    run->ops.pop_front();
    --run->hashed;
  }
  if (!run->ops.empty() && run->ops.front()->failure &&
      std::all_of(run->ops.begin(), run->ops.end(),
                  [](const OpPointer& op) { return op->left_disk && !op->hashing; })) {
    run->next = run->ops.front()->offset;
    settled.insert(settled.end(), run->ops.begin(), run->ops.end());
    run->ops.clear();
    run->hashed = 0;
    run->failing = false;
  }
  if (settled.empty()) return;
  in_flight_ -= settled.size();
  for (const OpPointer& op : settled) epochs_.Leave(op->epoch);
  // A frontier that has come to chunks written ahead, or that other runs' chunks have come to.
  StartWork(frontier_);
  lock.unlock();
  for (const OpPointer& op : settled) {
    if (op->failure) {
      op->done(Failed<Nothing>(op->failure));
    } else {
      op->done({Nothing{}, nullptr});
    }
  }
  on_settled_();
  lock.lock();
}

bool Intake::Matches(uint64_t offset, const std::vector<Span>& segments) {
  constexpr size_t kStepBytes = size_t{256} << 10;
  {
    const Lock lock(mutex_);
    if (poison_) std::rethrow_exception(poison_);
    if (stopped_) throw StorageError("CLOSED", "compare " + path_ + ": it is closed");
    if (!Holds(offset, offset + BytesIn(segments))) return false;
  }
  std::vector<uint8_t> there(kStepBytes);
  for (const Span& segment : segments) {
    for (size_t done = 0; done < segment.bytes;) {
      const size_t step = std::min(segment.bytes - done, there.size());
      if (ReadAt(content_.get(), path_, offset, there.data(), step) != step) return false;
      if (std::memcmp(there.data(), segment.data + done, step) != 0) return false;
      done += step;
      offset += step;
    }
  }
  return true;
}

uint64_t Intake::Cut() {
  const Lock lock(mutex_);
  return epochs_.Cut();
}

bool Intake::Ended(uint64_t line) {
  const Lock lock(mutex_);
  return epochs_.Ended(line);
}

Settled Intake::TakeSettled(bool everything) {
  const Lock lock(mutex_);
  Settled settled = std::exchange(news_, {});
  const bool taken_back = settled.frontier_went_back || !settled.dropped.empty();
  if ((everything && !settled.empty()) || taken_back) {
    settled.everything = true;
    settled.chunks = chunks_;
    settled.frontier = settled_frontier_;
  }
  return settled;
}

void Intake::Poison(const std::exception_ptr& failure) {
  Lock lock(mutex_);
  PoisonAll(failure);
  Announce(lock, frontier_);
  const std::vector<RunPointer> others = ahead_;
  for (const RunPointer& run : others) Announce(lock, run);
}

void Intake::ThrowIfPoisoned() {
  const Lock lock(mutex_);
  if (poison_) std::rethrow_exception(poison_);
}

void Intake::Hold() {
  const Lock lock(mutex_);
  ++holds_;
}

void Intake::Release() {
  const Lock lock(mutex_);
  --holds_;
  StartWork(frontier_);
}

void Intake::Begin() {
  const Lock lock(mutex_);
  StartWork(frontier_);
}

void Intake::Stop() {
  Lock lock(mutex_);
  stopped_ = true;
  idle_.wait(lock, [this] { return !frontier_->busy; });
  content_.Close();
}

uint64_t Intake::next_offset() {
  const Lock lock(mutex_);
  return ReceivedFrom(0);
}

}  // namespace longshore
