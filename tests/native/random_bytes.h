#ifndef LONGSHORE_TESTS_NATIVE_RANDOM_BYTES_H_
#define LONGSHORE_TESTS_NATIVE_RANDOM_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace longshore::testing {

// The same bytes for the same seed, on every machine.
inline std::vector<uint8_t> RandomBytes(size_t bytes, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> content(bytes);
  for (uint8_t& byte : content) byte = static_cast<uint8_t>(random());
  return content;
}

}  // namespace longshore::testing

#endif  // LONGSHORE_TESTS_NATIVE_RANDOM_BYTES_H_
