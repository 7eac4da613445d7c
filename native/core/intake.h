#ifndef LONGSHORE_NATIVE_CORE_INTAKE_H_
#define LONGSHORE_NATIVE_CORE_INTAKE_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "native/core/chunk_hasher.h"
#include "native/core/content.h"
#include "native/core/epochs.h"
#include "native/core/journal.h"
#include "native/core/outcome.h"
#include "native/core/unique_fd.h"
#include "native/core/write_run.h"

namespace longshore {

// What the intake has settled and whoever asks has not heard of yet.
struct Settled {
  std::optional<ChunkHasherState> frontier;
  ChunkClaims chunks;
  std::vector<uint64_t> dropped;  // chunks that no longer are what was said before
  bool frontier_went_back = false;
  bool everything = false;  // `chunks` and `frontier` are all there is, not only the news

  bool empty() const { return !frontier && chunks.empty() && dropped.empty(); }
};

// Takes the bytes of one content: checks, writes, hashes. Knows what has been received, not what is
// durable. Any thread may call it; nothing here waits but Finish and Stop.
//
// A run is a stretch of writes without a gap, with a hasher of its own. The frontier is the run
// that began at 0 and makes the digest of the whole; where it meets chunks that other runs wrote
// ahead of it, it follows them: reads them back and compares.
class Intake final : public std::enable_shared_from_this<Intake> {
 public:
  // `on_settled` is called without a lock whenever writes have settled.
  Intake(UniqueFd content, std::string path, bool exclusive, std::optional<uint64_t> total_bytes,
         std::function<void()> on_settled);

  // Takes up what this and other openings made durable: before the first write, or, as news,
  // between Hold and Release when all writes have settled.
  void Adopt(const ChunkClaims& chunks, const std::optional<ChunkHasherState>& frontier,
             bool as_news);

  // Throws what PartFile.write documents when the write cannot even begin.
  void Write(uint64_t offset, std::vector<Span> segments, std::optional<uint32_t> crc,
             Done<Nothing> done);
  // Whether [offset, offset + bytes) holds exactly this. Reads the file.
  bool Matches(uint64_t offset, const std::vector<Span>& segments);

  // A line behind the writes begun so far, and whether they have all settled.
  uint64_t Cut();
  bool Ended(uint64_t line);

  // Empty when there is no news. If there is, then `everything` asks for all that has ever settled,
  // for a journal that begins anew; what was taken back is told that way too.
  Settled TakeSettled(bool everything);

  // Between these (they nest) no write is taken and nothing is followed on the quiet.
  void Hold();
  void Release();
  // Lets the frontier follow what Adopt brought.
  void Begin();
  // Between Hold and Release, when all writes have settled: follows up to `size` and sums up.
  // Takes long; `aborted` (may be null) ends it between two chunks.
  Content Finish(uint64_t size, const std::atomic<bool>* aborted);
  // Chunks that were found changed: no longer there. If the frontier had passed one, it begins
  // again.
  void Drop(const std::vector<uint64_t>& chunks);

  // Every later call fails with this; what is under way too.
  void Poison(const std::exception_ptr& failure);
  void ThrowIfPoisoned();
  // When all writes have settled: lets go of the file.
  void Stop();

  uint64_t next_offset();
  int content() const { return content_.get(); }
  const std::string& path() const { return path_; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  using RunPointer = std::shared_ptr<WriteRun>;
  using OpPointer = std::shared_ptr<WriteOp>;

  // All of these want the lock held; those that take it let go of it while they work.
  void CheckUsable() const;
  uint64_t ReceivedFrom(uint64_t offset) const;
  bool Holds(uint64_t begin, uint64_t end) const;
  RunPointer RunFor(uint64_t offset, uint64_t bytes);
  RunPointer NewRun(uint64_t offset);
  void TakeGround(const WriteRun* run, uint64_t offset, uint64_t bytes);
  void Forget(uint64_t chunk);
  void Record(const WriteRun& run, const HashedChunks& chunks, uint64_t end);
  void StartWork(const RunPointer& run);
  void Work(Lock& lock, const RunPointer& run);
  void HashOne(Lock& lock, const RunPointer& run, const OpPointer& op);
  bool CanFollow(const WriteRun& run) const;
  void FollowOne(Lock& lock, WriteRun& run);
  // What is told of the content, once the frontier has passed its end.
  Content ContentOf(const ChunkHasher& whole, uint64_t size) const;
  void PoisonAll(const std::exception_ptr& failure);
  void Announce(Lock& lock, const RunPointer& run);

  void WriteToDisk(const RunPointer& run, const OpPointer& op);

  UniqueFd content_;
  const std::string path_;
  const bool exclusive_;
  const std::optional<uint64_t> total_bytes_;
  const std::function<void()> on_settled_;

  std::mutex mutex_;
  std::condition_variable idle_;  // a run is no longer busy
  Epochs epochs_;
  size_t in_flight_ = 0;
  RunPointer frontier_;
  std::vector<RunPointer> ahead_;  // the other runs, the one used last at the end
  ChunkClaims chunks_;             // of everything settled
  std::set<uint64_t> changed_;     // chunks found changed and not written again
  ChunkHasherState settled_frontier_;
  Settled news_;
  std::optional<uint64_t> end_;  // of the content, once somebody said it
  std::vector<uint8_t> follow_buffer_;
  bool following_ = false;  // the frontier is about to move on by itself
  int holds_ = 0;
  bool stopped_ = false;
  std::exception_ptr poison_;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_INTAKE_H_
