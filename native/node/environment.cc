#include "native/node/environment.h"

#include <algorithm>
#include <utility>

namespace longshore {

void Mailbox::Expect() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++expected_;
}

void Mailbox::Deliver(Job* job) {
  const std::lock_guard<std::mutex> lock(mutex_);
  --expected_;
  ended_.push_back(job);
  if (closed_) {
    if (expected_ == 0) delivered_.notify_all();
  } else if (ended_.size() == 1) {
    // Cannot be full (no limit) nor closing (we are not); under the lock, so that it stays so.
    napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  }
}

std::vector<Job*> Mailbox::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(ended_, {});
}

void Mailbox::CloseAndWait() {
  std::unique_lock<std::mutex> lock(mutex_);
  closed_ = true;
  delivered_.wait(lock, [this] { return expected_ == 0; });
}

void Environment::Attach(Napi::Env env) {
  env.SetInstanceData(std::make_unique<Environment>(env).release());  // Node destroys it
}

Environment::Environment(Napi::Env env) : env_(env) {
  const Napi::String name = Napi::String::New(env, "longshore");
  NAPI_THROW_IF_FAILED_VOID(
      env, napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                           this, &Environment::OnWake, &wake_));
  NAPI_THROW_IF_FAILED_VOID(env, napi_unref_threadsafe_function(env, wake_));
  mailbox_->Open(wake_);
  // Hooks run last in, first out: ours before the one that closes the function above.
  NAPI_THROW_IF_FAILED_VOID(env, napi_add_env_cleanup_hook(env, &Environment::OnLeave, this));
}

void Environment::Begin(std::unique_ptr<Job> job) {
  // While something is under way, the process stays alive for its answer.
  if (jobs_.empty()) napi_ref_threadsafe_function(env_, wake_);
  mailbox_->Expect();
  Job* const key = job.get();
  jobs_.emplace(key, std::move(job));
}

std::shared_ptr<std::atomic<bool>> Environment::MakeAbortFlag() {
  abort_flags_.erase(std::remove_if(abort_flags_.begin(), abort_flags_.end(),
                                    [](const auto& flag) { return flag.expired(); }),
                     abort_flags_.end());
  auto flag = std::make_shared<std::atomic<bool>>(false);
  abort_flags_.push_back(flag);
  return flag;
}

void Environment::OnWake(napi_env env, napi_value, void* context, void*) {
  // Without an environment there is nobody left to tell.
  if (env != nullptr) static_cast<Environment*>(context)->SettleEnded(env);
}

void Environment::SettleEnded(Napi::Env env) {
  for (Job* const job : mailbox_->Take()) {
    const Napi::HandleScope scope(env);
    const auto owned = jobs_.extract(job);
    try {
      job->Settle(env);
    } catch (const Napi::Error&) {
      // The environment is being stopped and takes no more values: nobody waits for this one.
    }
  }
  if (jobs_.empty()) napi_unref_threadsafe_function(env, wake_);
}

void Environment::OnLeave(void* self) {
  auto& environment = *static_cast<Environment*>(self);
  *environment.leaving_ = true;
  for (const auto& flag : environment.abort_flags_) {
    if (const auto held = flag.lock()) *held = true;
  }
  environment.mailbox_->CloseAndWait();
  environment.jobs_.clear();
}

}  // namespace longshore
