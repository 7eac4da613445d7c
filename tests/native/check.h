#ifndef LONGSHORE_TESTS_NATIVE_CHECK_H_
#define LONGSHORE_TESTS_NATIVE_CHECK_H_

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

// The whole of the test framework for the C++ core: name facts, check them, run them all.

namespace longshore::testing {

struct Fact {
  const char* name;
  std::function<void()> body;
};

inline int& Failures() {
  static int failures = 0;
  return failures;
}

inline void Report(bool ok, const char* condition, const char* file, int line) {
  if (ok) return;
  ++Failures();
  std::fprintf(stderr, "  %s:%d: %s is false\n", file, line, condition);
}

// Runs every fact, prints each name, returns the exit status of the program.
inline int RunFacts(const std::vector<Fact>& facts) {
  for (const Fact& fact : facts) {
    const int before = Failures();
    try {
      fact.body();
    } catch (const std::exception& error) {
      ++Failures();
      std::fprintf(stderr, "  threw: %s\n", error.what());
    }
    std::fprintf(stderr, "%s  %s\n", Failures() == before ? "ok  " : "FAIL", fact.name);
  }
  return Failures() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace longshore::testing

#define CHECK(condition) \
  ::longshore::testing::Report(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

// The statement must throw an Exception (or one derived from it).
#define CHECK_THROWS(statement, Exception)                                          \
  do {                                                                              \
    bool thrown = false;                                                            \
    try {                                                                           \
      statement;                                                                    \
    } catch (const Exception&) {                                                    \
      thrown = true;                                                                \
    }                                                                               \
    ::longshore::testing::Report(thrown, #statement " throws", __FILE__, __LINE__); \
  } while (false)

#endif  // LONGSHORE_TESTS_NATIVE_CHECK_H_
