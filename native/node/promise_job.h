#ifndef LONGSHORE_NATIVE_NODE_PROMISE_JOB_H_
#define LONGSHORE_NATIVE_NODE_PROMISE_JOB_H_

#include <functional>
#include <memory>
#include <utility>

#include "native/core/outcome.h"
#include "native/core/thread_pool.h"
#include "native/node/environment.h"
#include "native/node/js_error.h"
#include "native/node/napi_setup.h"

namespace longshore {

// The one way from C++ to a promise. `convert(env, value)` makes the JavaScript value, on the
// JavaScript thread.
template <typename T, typename Convert>
class PromiseJob final : public Job {
 public:
  PromiseJob(Napi::Env env, Napi::Value kept, Convert convert)
      : deferred_(Napi::Promise::Deferred::New(env)), convert_(std::move(convert)) {
    if (kept.IsObject()) kept_ = Napi::Persistent(kept.As<Napi::Object>());
  }

  Napi::Promise promise() const { return deferred_.Promise(); }
  void Put(Outcome<T> outcome) { outcome_ = std::move(outcome); }

  void Settle(Napi::Env env) override {
    if (!outcome_.failure) {
      try {
        deferred_.Resolve(convert_(env, std::move(*outcome_.value)));
        return;
      } catch (const Napi::Error& error) {
        deferred_.Reject(error.Value());
        return;
      }
    }
    deferred_.Reject(ToJsError(env, outcome_.failure));
  }

 private:
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference kept_;
  Convert convert_;
  Outcome<T> outcome_;
};

// Calls `start(done)` and returns the promise that `done` settles. `kept` (an object, or undefined)
// stays alive until then, and with it the memory that the job works in. `start` may throw instead
// of calling `done`.
template <typename T, typename Convert, typename Start>
Napi::Promise Promised(Napi::Env env, Napi::Value kept, Convert convert, Start start) {
  Environment& environment = Environment::Of(env);
  auto job = std::make_unique<PromiseJob<T, Convert>>(env, kept, std::move(convert));
  auto* const raw = job.get();
  const Napi::Promise promise = raw->promise();
  environment.Begin(std::move(job));
  const Done<T> done = [raw, mailbox = environment.mailbox()](Outcome<T> outcome) {
    raw->Put(std::move(outcome));
    mailbox->Deliver(raw);
  };
  try {
    start(done);
  } catch (...) {
    done(Failed<T>(std::current_exception()));
  }
  return promise;
}

// The same for work that waits: it runs on `pool`.
template <typename Convert, typename Work>
Napi::Promise PromisedOn(ThreadPool& pool, Napi::Env env, Napi::Value kept, Convert convert,
                         Work work) {
  using T = decltype(work());
  return Promised<T>(env, kept, std::move(convert), [&](const Done<T>& done) {
    pool.Post([done, work = std::move(work)] { done(Attempt(work)); });
  });
}

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_NODE_PROMISE_JOB_H_
