// Drives a fuzz target without libFuzzer: random inputs, and changes of inputs before them, for as
// many seconds as the first argument says (10). The second is the seed (the clock's). Told the name
// of a file instead, it runs the input that is in it.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "native/fuzz/fuzz_target.h"

namespace {

constexpr size_t kInputBytesMax = 4096;
constexpr size_t kPoolMax = 64;

std::vector<uint8_t> NextInput(std::mt19937& random,
                               const std::vector<std::vector<uint8_t>>& pool) {
  std::vector<uint8_t> input;
  if (!pool.empty() && random() % 4 != 0) {
    input = pool[random() % pool.size()];
    for (size_t changes = 1 + random() % 4; changes > 0 && !input.empty(); --changes) {
      input[random() % input.size()] = static_cast<uint8_t>(random());
    }
    return input;
  }
  input.resize(random() % (random() % 8 == 0 ? kInputBytesMax : 64));
  for (uint8_t& byte : input) byte = static_cast<uint8_t>(random());
  return input;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string first = count > 1 ? arguments[1] : "10";
  if (first.find_first_not_of("0123456789") != std::string::npos) {
    std::ifstream file(first, std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
    return LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(content.data()), content.size());
  }
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(first.c_str()));
  const auto seed = static_cast<uint32_t>(
      count > 2 ? std::strtoul(arguments[2], nullptr, 10)
                : static_cast<unsigned long>(
                      std::chrono::system_clock::now().time_since_epoch().count()));
  std::fprintf(stderr, "seed %u\n", seed);
  std::mt19937 random(seed);
  std::vector<std::vector<uint8_t>> pool;
  unsigned long long runs = 0;
  for (; runs % 64 != 0 || std::chrono::steady_clock::now() < end; ++runs) {
    const std::vector<uint8_t> input = NextInput(random, pool);
    LLVMFuzzerTestOneInput(input.data(), input.size());
    if (pool.size() < kPoolMax) {
      pool.push_back(input);
    } else {
      pool[random() % pool.size()] = input;
    }
  }
  std::fprintf(stderr, "%llu inputs\n", runs);
  return EXIT_SUCCESS;
}
