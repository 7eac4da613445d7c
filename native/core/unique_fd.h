#ifndef LONGSHORE_NATIVE_CORE_UNIQUE_FD_H_
#define LONGSHORE_NATIVE_CORE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace longshore {

// Owns a file descriptor and closes it. One thread at a time; the descriptor itself may be used by
// many while it lives.
class UniqueFd final {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  // What close() reports is not lost here: whatever must be durable was synced before.
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_UNIQUE_FD_H_
