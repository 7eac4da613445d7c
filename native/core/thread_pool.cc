#include "native/core/thread_pool.h"

#include <algorithm>
#include <utility>

namespace longshore {

namespace {

constexpr size_t kIoThreads = 8;
constexpr size_t kSlowThreads = 8;
constexpr size_t kPatientThreads = 4;

// Never destroyed: jobs of an environment that went away may still be ending while the process
// leaves, and a thread must not find its pool gone.
ThreadPool& Immortal(size_t threads) {
  auto* pool = new ThreadPool(threads);  // NOLINT(cppcoreguidelines-owning-memory)
  return *pool;
}

}  // namespace

ThreadPool::ThreadPool(size_t threads) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  posted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Post(Task task) {
  bool wake = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    tasks_.push_back(std::move(task));
    wake = idle_ > 0;
  }
  if (wake) posted_.notify_one();
}

void ThreadPool::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    while (tasks_.empty() && !ending_) {
      ++idle_;
      posted_.wait(lock);
      --idle_;
    }
    if (tasks_.empty()) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it held is let go outside the lock
    lock.lock();
  }
}

ThreadPool& ComputePool() {
  static ThreadPool& pool = Immortal(std::max<size_t>(1, std::thread::hardware_concurrency()));
  return pool;
}

ThreadPool& IoPool() {
  static ThreadPool& pool = Immortal(kIoThreads);
  return pool;
}

ThreadPool& SlowPool() {
  static ThreadPool& pool = Immortal(kSlowThreads);
  return pool;
}

ThreadPool& PatientPool() {
  static ThreadPool& pool = Immortal(kPatientThreads);
  return pool;
}

}  // namespace longshore
