#ifndef LONGSHORE_NATIVE_CORE_STORAGE_ERROR_H_
#define LONGSHORE_NATIVE_CORE_STORAGE_ERROR_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace longshore {

// A failure with a name of ours; failures of the system are std::system_error. The names and the
// facts that go with each are listed in src/native/native-error.ts.
class StorageError final : public std::runtime_error {
 public:
  using Facts = std::vector<std::pair<const char*, uint64_t>>;

  // `code` must be a literal: it is kept as a pointer.
  StorageError(const char* code, const std::string& message, Facts facts = {})
      : std::runtime_error(message), code_(code), facts_(std::move(facts)) {}

  const char* code() const { return code_; }
  const Facts& facts() const { return facts_; }

 private:
  const char* code_;
  Facts facts_;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_STORAGE_ERROR_H_
