#ifndef LONGSHORE_NATIVE_CORE_THREAD_POOL_H_
#define LONGSHORE_NATIVE_CORE_THREAD_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace longshore {

// Threads of our own, so that Node's pool stays free for its files and its DNS. Any thread may
// post. A task must not throw. Tasks start in the order in which they were posted.
class ThreadPool final {
 public:
  using Task = std::function<void()>;

  explicit ThreadPool(size_t threads);
  // Runs what was posted, then ends.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void Post(Task task);
  size_t threads() const { return threads_.size(); }

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Task> tasks_;
  size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

// For digests: as many threads as the machine has cores. Nothing that waits belongs here.
ThreadPool& ComputePool();

// For reads and writes of a piece, and checksums beside them.
ThreadPool& IoPool();

// For what may take long: syncs, finishing, verification. Apart from the others, so that a slow
// disk that is being synced does not hold up reads from memory.
ThreadPool& SlowPool();

// For what may take hours: verification in order or at a set pace.
ThreadPool& PatientPool();

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_THREAD_POOL_H_
