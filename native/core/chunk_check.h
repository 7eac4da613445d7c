#ifndef LONGSHORE_NATIVE_CORE_CHUNK_CHECK_H_
#define LONGSHORE_NATIVE_CORE_CHUNK_CHECK_H_

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "native/core/content.h"

namespace longshore {

// One check of many chunks on all cores: batches of chunks are read on the I/O pool and hashed, as
// many at once as there are lanes, on the compute pool. Every step is short and posted anew, so
// that uploads and reads get their turn between them.
class ChunkCheck final : public std::enable_shared_from_this<ChunkCheck> {
 public:
  using Ended = std::function<void(std::vector<uint64_t> bad_chunks, std::exception_ptr failure)>;

  // `fd`, `content` and `aborted` (may be null) must live until `ended` was called.
  ChunkCheck(int fd, std::string path, const Content& content, const std::atomic<bool>* aborted,
             Ended ended);

  void Start();

 private:
  struct Batch {
    uint64_t first_chunk = 0;
    size_t chunks = 0;
    std::vector<uint8_t> bytes;
    std::vector<size_t> there;  // bytes of each chunk that the file has
  };

  // The next batch for this buffer, or the end of this stream of batches.
  void Next(const std::shared_ptr<Batch>& batch);
  void Read(Batch& batch) const;
  void Hash(const Batch& batch);
  void Fail(const std::exception_ptr& failure);

  const int fd_;
  const std::string path_;
  const Content& content_;
  const std::atomic<bool>* const aborted_;
  const Ended ended_;

  std::mutex mutex_;
  uint64_t next_chunk_ = 0;
  size_t streams_ = 0;
  std::vector<uint64_t> bad_;
  std::exception_ptr failure_;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_CHUNK_CHECK_H_
