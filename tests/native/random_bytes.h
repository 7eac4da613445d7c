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
  uint32_t drawn = 0;
  for (size_t i = 0; i < bytes; ++i) {
    drawn = i % 4 == 0 ? static_cast<uint32_t>(random()) : drawn >> 8;
    content[i] = static_cast<uint8_t>(drawn);
  }
  return content;
}

}  // namespace longshore::testing

#endif  // LONGSHORE_TESTS_NATIVE_RANDOM_BYTES_H_
