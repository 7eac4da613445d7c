#ifndef LONGSHORE_NATIVE_CORE_EPOCHS_H_
#define LONGSHORE_NATIVE_CORE_EPOCHS_H_

#include <cstddef>
#include <cstdint>
#include <deque>

namespace longshore {

// Answers "has everything that began before this moment ended?" without stopping what begins
// later. Guarded by its owner.
class Epochs final {
 public:
  // Something begins; returns what Leave wants.
  uint64_t Enter() {
    ++running_.back();
    return first_ + running_.size() - 1;
  }
  void Leave(uint64_t epoch) {
    --running_[static_cast<size_t>(epoch - first_)];
    while (running_.size() > 1 && running_.front() == 0) {
      running_.pop_front();
      ++first_;
    }
  }
  // Draws a line; returns what Ended wants to tell whether all before the line has ended.
  uint64_t Cut() {
    const uint64_t line = first_ + running_.size() - 1;
    if (running_.back() == 0) {
      // Nothing began since the last line, so that one serves.
      return line - 1;
    }
    running_.push_back(0);
    return line;
  }
  bool Ended(uint64_t line) const { return first_ > line; }

 private:
  uint64_t first_ = 1;  // 0 has ended before anything began
  std::deque<uint64_t> running_ = {0};
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_EPOCHS_H_
