#include "native/core/part_file.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "native/core/part_folder.h"
#include "native/core/posix_file.h"
#include "native/core/storage_error.h"
#include "native/core/thread_pool.h"
#include "native/core/verifier.h"

namespace longshore {

namespace {

constexpr int kLockTriesMax = 10;
// Every opening reads all journals. From so many on, one that is alone makes a single one of them.
constexpr size_t kJournalsToMerge = 64;
// A journal that has grown by this much beyond what it would be if it were written anew is.
constexpr uint64_t kJournalGrowthBytesMax = uint64_t{16} << 20;

// Whether the name still stands for this file, or the folder was cleared away under us.
bool StillThere(int fd, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

// False when somebody else's lock is in the way. A lock held before, of the other kind, is gone
// then.
bool TryLock(const UniqueFd& fd, int kind, const std::string& path) {
  while (::flock(fd.get(), kind | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return false;
    throw std::system_error(errno, std::generic_category(), "lock " + path);
  }
  return true;
}

StorageError Locked(const std::string& path) {
  return {"LOCKED", "lock " + path + ": another opener holds it"};
}

}  // namespace

template <typename Work>
auto PartFile::Fatal(Work&& work) {
  try {
    return work();
  } catch (...) {
    intake_->Poison(std::current_exception());
    throw;
  }
}

std::shared_ptr<PartFile> PartFile::Open(const PartFileOptions& options) {
  std::shared_ptr<PartFile> file(new PartFile(options));
  file->Lock();
  file->TakeUp();
  return file;
}

Persisted PartFile::Inspect(const std::string& folder) {
  return DurabilityOf(ReadJournals(folder)).Sum();
}

void PartFile::Lock() {
  const std::string path = LockPath(options_.folder);
  for (int tries = 0; tries < kLockTriesMax; ++tries) {
    // Whoever made it may have died before its name was on disk.
    if (!MakeFolder(options_.folder)) SyncFolder(ParentOf(options_.folder));
    UniqueFd fd = OpenToReadAndWrite(path);
    merging_ = !options_.exclusive && CountJournals(options_.folder) >= kJournalsToMerge &&
               TryLock(fd, LOCK_EX, path);
    const int kind = options_.exclusive ? LOCK_EX : LOCK_SH;
    if (!merging_ && !TryLock(fd, kind, path)) throw Locked(path);
    if (!StillThere(fd.get(), path)) continue;
    lock_ = std::move(fd);
    return;
  }
  throw std::system_error(EBUSY, std::generic_category(), "lock " + path);
}

void PartFile::TakeUp() {
  const std::string path = ContentPath(options_.folder);
  UniqueFd content = OpenToReadAndWrite(path);
  const Journaled journaled = ReadJournals(options_.folder);
  if (journaled.total_bytes && options_.total_bytes &&
      *journaled.total_bytes != *options_.total_bytes) {
    throw StorageError("SIZE_MISMATCH", "open " + path + ": it was begun with another total size",
                       {{"expected", *journaled.total_bytes}, {"actual", *options_.total_bytes}});
  }
  if (options_.total_bytes) Preallocate(content.get(), path, *options_.total_bytes);
  intake_ = std::make_shared<Intake>(std::move(content), path, options_.exclusive,
                                     options_.total_bytes, [weak = weak_from_this()] {
                                       if (const auto self = weak.lock()) self->RunSteps();
                                     });
  intake_->Adopt(journaled.chunks, journaled.frontier, false);
  sessions_before_ = journaled.sessions;
  durability_ = DurabilityOf(journaled);
  persisted_ = durability_.Sum();
  if (merging_) MergeJournals(journaled);
  intake_->Begin();
}

// Nobody else adds to the journals meanwhile: a shared opening is alone until the end of this.
void PartFile::MergeJournals(const Journaled& journaled) {
  Settled all;
  all.chunks = journaled.chunks;
  all.frontier = journaled.frontier;
  all.everything = true;
  SyncData(intake_->content(), intake_->path());
  WriteJournal(all);
  merging_ = false;
  const std::string path = LockPath(options_.folder);
  if (!TryLock(lock_, LOCK_SH, path)) throw Locked(path);
}

Persisted PartFile::persisted() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return persisted_;
}

void PartFile::Write(uint64_t offset, std::vector<Span> segments, std::optional<uint32_t> crc,
                     Done<Nothing> done) {
  // Whoever lets go of the file lets go of its lock, so each call under way holds it.
  intake_->Write(offset, std::move(segments), crc,
                 [self = shared_from_this(), done = std::move(done)](Outcome<Nothing> outcome) {
                   done(std::move(outcome));
                 });
}

void PartFile::Matches(uint64_t offset, std::vector<Span> segments, Done<bool> done) {
  Post({shared_from_this(), intake_->Cut(),
        [this, offset, segments = std::move(segments), done = std::move(done)] {
          done(Attempt([&] { return intake_->Matches(offset, segments); }));
        },
        nullptr});
}

void PartFile::Sync(Done<Persisted> done) {
  Post({shared_from_this(), intake_->Cut(), nullptr, std::move(done)});
}

void PartFile::Finish(uint64_t size, Done<std::shared_ptr<const Content>> done) {
  intake_->Hold();
  Post({shared_from_this(), intake_->Cut(),
        [this, size, done = std::move(done)] { done(Attempt([&] { return FinishNow(size); })); },
        nullptr});
}

void PartFile::Publish(BlobPaths to, Done<Nothing> done) {
  Post({shared_from_this(), intake_->Cut(),
        [this, to = std::move(to), done = std::move(done)] {
          done(Attempt([&] {
            PublishNow(to);
            return Nothing{};
          }));
        },
        nullptr});
}

void PartFile::Close(Done<Nothing> done) {
  intake_->Hold();
  Post({shared_from_this(), intake_->Cut(),
        [this, done = std::move(done)] {
          closed_ = true;
          intake_->Stop();
          journal_.reset();
          lock_.Close();
          done({Nothing{}, nullptr});
        },
        nullptr});
}

void PartFile::Post(Step step) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    steps_.push_back(std::move(step));
  }
  RunSteps();
}

void PartFile::RunSteps() {
  std::vector<Step> next;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (running_ || steps_.empty() || !intake_->Ended(steps_.front().line)) return;
    running_ = true;
    do {
      next.push_back(std::move(steps_.front()));
      steps_.pop_front();
    } while (next.back().synced && !steps_.empty() && steps_.front().synced &&
             intake_->Ended(steps_.front().line));
  }
  SlowPool().Post([self = shared_from_this(), next = std::move(next)]() mutable {
    self->RunStep(std::move(next));
  });
}

void PartFile::RunStep(std::vector<Step> steps) {
  if (steps.front().synced) {
    const Outcome<Persisted> outcome = Attempt([&] { return SyncNow(); });
    for (const Step& step : steps) step.synced(outcome);
  } else {
    steps.front().run();
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_ = false;
  }
  RunSteps();
}

Persisted PartFile::SyncNow() {
  intake_->ThrowIfPoisoned();
  if (closed_) throw StorageError("CLOSED", "sync " + intake_->path() + ": it is closed");
  if (published_) return persisted();
  const bool grown = journal_ && journal_->bytes() > kJournalGrowthBytesMax + fresh_journal_bytes_;
  const Settled settled = intake_->TakeSettled(!journal_ || grown);
  if (settled.empty()) return persisted();
  Fatal([&] {
    SyncData(intake_->content(), intake_->path());
    WriteJournal(settled);
  });
  if (settled.frontier_went_back) durability_ = {};
  for (const uint64_t chunk : settled.dropped) durability_.DropChunk(chunk);
  if (settled.frontier) {
    durability_.SetFrontier(settled.frontier->offset, ChunkHasher(*settled.frontier).Crc());
  }
  for (const auto& [index, claim] : settled.chunks) durability_.AddChunk(index, claim);
  const std::lock_guard<std::mutex> lock(mutex_);
  persisted_ = durability_.Sum();
  return persisted_;
}

// Content is on disk when this is called: data first, then the claim.
void PartFile::WriteJournal(const Settled& settled) {
  std::vector<uint8_t> records;
  if (settled.everything) records = EncodeJournalHead({options_.session, options_.total_bytes});
  AppendChunks(records, settled.chunks);
  if (settled.frontier) AppendFrontier(records, *settled.frontier);
  if (!settled.everything) {
    journal_->Append(records);
    return;
  }
  if (!journal_) journal_.emplace(JournalPath(options_.folder, options_.session));
  journal_->Start(records);
  fresh_journal_bytes_ = records.size();
  if (!options_.exclusive && !merging_) return;
  // This one now says all that those before it said, and nobody else writes.
  for (const std::string& session : std::exchange(sessions_before_, {})) {
    if (session != options_.session) Remove(JournalPath(options_.folder, session));
  }
}

std::shared_ptr<const Content> PartFile::FinishNow(uint64_t size) {
  intake_->ThrowIfPoisoned();
  if (closed_) throw StorageError("CLOSED", "finish " + intake_->path() + ": it is closed");
  if (finished_) {
    if (finished_->size == size) return finished_;
    throw StorageError("SIZE_MISMATCH",
                       "finish " + intake_->path() + ": it was finished with another size",
                       {{"expected", finished_->size}, {"actual", size}});
  }
  try {
    const bool others = AdoptOthers();
    auto content = std::make_shared<const Content>(intake_->Finish(size, options_.aborted.get()));
    if (others) CheckChunks(*content);
    finished_ = std::move(content);
    return finished_;
  } catch (...) {
    intake_->Release();
    // What turned out to be missing or changed is said to be so from now on. Failing here poisons.
    Attempt([&] { return SyncNow(); });
    throw;
  }
}

// Other openings may have written since; says whether there are any.
bool PartFile::AdoptOthers() {
  if (options_.exclusive) return false;
  const Journaled journaled = ReadJournals(options_.folder);
  bool others = false;
  for (const std::string& session : journaled.sessions)
    others = others || session != options_.session;
  if (others) intake_->Adopt(journaled.chunks, journaled.frontier, true);
  return others;
}

// Where several processes wrote, one may have written over what another had hashed.
void PartFile::CheckChunks(const Content& content) {
  const std::vector<uint64_t> bad =
      FindBadChunks(intake_->content(), intake_->path(), content, options_.aborted.get());
  if (bad.empty()) return;
  intake_->Drop(bad);
  throw StorageError("CHUNK_CHANGED",
                     "finish " + intake_->path() + ": a chunk is no longer what was written",
                     {{"offset", bad.front() * kChunkBytes}, {"chunk", bad.front()}});
}

void PartFile::PublishNow(const BlobPaths& to) {
  intake_->ThrowIfPoisoned();
  if (published_ && published_->content == to.content && published_->manifest == to.manifest)
    return;
  if (closed_ || published_ || !finished_) {
    throw StorageError("CLOSED", "publish " + intake_->path() +
                                     ": it is not finished, or closed, or published elsewhere");
  }
  Fatal([&] {
    longshore::Publish(intake_->content(), intake_->path(), options_.folder + "/manifest",
                       *finished_, to);
  });
  published_ = to;
}

}  // namespace longshore
