#ifndef LONGSHORE_NATIVE_CORE_PART_FILE_H_
#define LONGSHORE_NATIVE_CORE_PART_FILE_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "native/core/durability.h"
#include "native/core/intake.h"
#include "native/core/journal_file.h"
#include "native/core/outcome.h"
#include "native/core/part_folder.h"
#include "native/core/publish.h"
#include "native/core/unique_fd.h"

namespace longshore {

struct PartFileOptions {
  std::string folder;
  std::string session;
  bool exclusive = true;
  std::optional<uint64_t> total_bytes;
  // May be null. Once true, Finish gives up between two chunks: StorageError ABORTED.
  std::shared_ptr<const std::atomic<bool>> aborted;
};

// A file being received. src/native/part-file.ts documents each call; those here are the same with
// a callback for the promise. Any thread may call them, none of them waits (but Open).
//
// Writes go their own way (Intake). Everything else is a line of steps that run one after the
// other, each when the writes that were begun before it have settled.
class PartFile final : public std::enable_shared_from_this<PartFile> {
 public:
  static std::shared_ptr<PartFile> Open(const PartFileOptions& options);
  // What the journals of a folder say; takes no lock.
  static Persisted Inspect(const std::string& folder);

  Persisted persisted();
  uint64_t next_offset() { return intake_->next_offset(); }

  void Write(uint64_t offset, std::vector<Span> segments, std::optional<uint32_t> crc,
             Done<Nothing> done);
  void Matches(uint64_t offset, std::vector<Span> segments, Done<bool> done);
  void Sync(Done<Persisted> done);
  void Finish(uint64_t size, Done<std::shared_ptr<const Content>> done);
  void Publish(BlobPaths to, Done<Nothing> done);
  void Close(Done<Nothing> done);

 private:
  struct Step {
    std::shared_ptr<PartFile> self;  // whoever asked may have let go of the file
    uint64_t line;                   // the writes before it
    std::function<void()> run;
    Done<Persisted> synced;  // set for a sync: those that follow each other are done at once
  };

  explicit PartFile(PartFileOptions options) : options_(std::move(options)) {}

  void Lock();
  void TakeUp();
  void MergeJournals(const Journaled& journaled);
  void Post(Step step);
  void RunSteps();
  void RunStep(std::vector<Step> steps);

  Persisted SyncNow();
  std::shared_ptr<const Content> FinishNow(uint64_t size);
  void PublishNow(const BlobPaths& to);
  void WriteJournal(const Settled& settled);
  bool AdoptOthers();
  void CheckChunks(const Content& content);
  // What fails here leaves the disk in a state that nobody knows: no call may succeed after it.
  template <typename Work>
  auto Fatal(Work&& work);

  const PartFileOptions options_;
  UniqueFd lock_;
  bool merging_ = false;  // alone for a moment, though it be shared
  std::shared_ptr<Intake> intake_;

  // Only the step that runs touches these.
  std::optional<JournalFile> journal_;
  uint64_t fresh_journal_bytes_ = 0;
  std::vector<std::string> sessions_before_;
  Durability durability_;
  std::shared_ptr<const Content> finished_;
  std::optional<BlobPaths> published_;
  bool closed_ = false;

  std::mutex mutex_;
  std::deque<Step> steps_;
  bool running_ = false;
  Persisted persisted_;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_PART_FILE_H_
