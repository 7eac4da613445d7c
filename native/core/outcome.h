#ifndef LONGSHORE_NATIVE_CORE_OUTCOME_H_
#define LONGSHORE_NATIVE_CORE_OUTCOME_H_

#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace longshore {

// The end of an asynchronous call: a value, or the exception that took its place.
template <typename T>
struct Outcome {
  std::optional<T> value;
  std::exception_ptr failure;
};

// What stands for the value of a call that has none.
struct Nothing {};

// Called exactly once, from any thread.
template <typename T>
using Done = std::function<void(Outcome<T>)>;

// Runs `work` and packs what it returns or throws.
template <typename Work>
auto Attempt(Work&& work) -> Outcome<decltype(work())> {
  Outcome<decltype(work())> outcome;
  try {
    outcome.value.emplace(std::forward<Work>(work)());
  } catch (...) {
    outcome.failure = std::current_exception();
  }
  return outcome;
}

template <typename T>
Outcome<T> Failed(std::exception_ptr failure) {
  return Outcome<T>{std::nullopt, std::move(failure)};
}

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_OUTCOME_H_
