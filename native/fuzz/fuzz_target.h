#ifndef LONGSHORE_NATIVE_FUZZ_FUZZ_TARGET_H_
#define LONGSHORE_NATIVE_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

// Every target defines this, as libFuzzer wants it; standalone.cc calls it where there is no
// libFuzzer.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes);

namespace longshore::fuzz {

// Ends the process when a property does not hold, which is how a fuzzer learns of it.
inline void Require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", property);
  std::abort();
}

// A good sample with changes that the fuzzer chose: each takes five bytes of its input, two for the
// place, one for what to do, two for values. So a fuzzer gets past magic numbers and lengths.
inline std::vector<uint8_t> Altered(std::vector<uint8_t> sample, const uint8_t* script,
                                    size_t bytes) {
  constexpr size_t kStepBytes = 5;
  for (; bytes >= kStepBytes && !sample.empty(); script += kStepBytes, bytes -= kStepBytes) {
    const size_t place = (script[0] | size_t{script[1]} << 8) % sample.size();
    const auto at = sample.begin() + static_cast<std::ptrdiff_t>(place);
    switch (script[2] % 5) {
      case 0:
        *at = script[3];
        break;
      case 1:
        *at = static_cast<uint8_t>(*at ^ (1u << script[3] % 8));
        break;
      case 2:
        sample.insert(at, script[3], script[4]);
        break;
      case 3:
        sample.erase(at, at + static_cast<std::ptrdiff_t>(script[3] < sample.size() - place
                                                              ? script[3]
                                                              : sample.size() - place));
        break;
      default:
        sample.resize(place);
        break;
    }
  }
  return sample;
}

}  // namespace longshore::fuzz

#endif  // LONGSHORE_NATIVE_FUZZ_FUZZ_TARGET_H_
