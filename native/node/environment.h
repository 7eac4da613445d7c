#ifndef LONGSHORE_NATIVE_NODE_ENVIRONMENT_H_
#define LONGSHORE_NATIVE_NODE_ENVIRONMENT_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "native/node/napi_setup.h"

namespace longshore {

// Something that was begun for JavaScript and will be told to it. Made, settled and destroyed on
// the JavaScript thread; its outcome is put in by any thread, before Mailbox::Deliver.
class Job {
 public:
  virtual ~Job() = default;
  virtual void Settle(Napi::Env env) = 0;
};

// Takes ended jobs from any thread to the JavaScript thread: many with one wake-up.
class Mailbox final {
 public:
  void Open(napi_threadsafe_function wake) { wake_ = wake; }
  // JavaScript thread: one more job will be delivered.
  void Expect();
  void Deliver(Job* job);
  std::vector<Job*> Take();
  // Waits until every expected job has been delivered; wakes nobody any more.
  void CloseAndWait();

 private:
  std::mutex mutex_;
  std::condition_variable delivered_;
  std::vector<Job*> ended_;
  size_t expected_ = 0;
  bool closed_ = false;
  napi_threadsafe_function wake_ = nullptr;
};

// What one JavaScript environment (the main thread or a worker) has of ours. JavaScript thread
// only. When the environment goes away it tells long jobs to stop and waits for all of them, since
// they work in memory that goes away with it.
class Environment final {
 public:
  static void Attach(Napi::Env env);
  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  explicit Environment(Napi::Env env);
  ~Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  void Begin(std::unique_ptr<Job> job);
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
  // Turns true when the environment goes away.
  const std::shared_ptr<const std::atomic<bool>>& leaving() const { return leaving_const_; }
  // A flag of its own for one job, which turns true then too.
  std::shared_ptr<std::atomic<bool>> MakeAbortFlag();

  Napi::FunctionReference part_file;
  Napi::FunctionReference blob_reader;

 private:
  static void OnWake(napi_env env, napi_value callback, void* context, void* data);
  static void OnLeave(void* self);
  void SettleEnded(Napi::Env env);

  const napi_env env_;
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  const std::shared_ptr<std::atomic<bool>> leaving_ = std::make_shared<std::atomic<bool>>(false);
  const std::shared_ptr<const std::atomic<bool>> leaving_const_ = leaving_;
  napi_threadsafe_function wake_ = nullptr;
  std::unordered_map<Job*, std::unique_ptr<Job>> jobs_;
  std::vector<std::weak_ptr<std::atomic<bool>>> abort_flags_;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_NODE_ENVIRONMENT_H_
