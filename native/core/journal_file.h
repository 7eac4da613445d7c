#ifndef LONGSHORE_NATIVE_CORE_JOURNAL_FILE_H_
#define LONGSHORE_NATIVE_CORE_JOURNAL_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "native/core/unique_fd.h"

namespace longshore {

// The journal of one opening on disk. One thread at a time. After an exception it must not be used
// again: what is on disk is then unknown.
class JournalFile final {
 public:
  explicit JournalFile(std::string path) : path_(std::move(path)) {}

  bool started() const { return static_cast<bool>(fd_); }
  uint64_t bytes() const { return bytes_; }

  // Puts a whole journal in place, durably and in one step; what was there is replaced.
  void Start(const std::vector<uint8_t>& records);
  // Durable when it returns.
  void Append(const std::vector<uint8_t>& records);

 private:
  std::string path_;
  UniqueFd fd_;
  uint64_t bytes_ = 0;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_JOURNAL_FILE_H_
