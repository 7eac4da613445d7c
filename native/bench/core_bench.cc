// Measures the hashing core beside OpenSSL, in turn, and prints one JSON line for each contender,
// with the best of its rounds: nothing but others' work on the machine sets them apart.
//
//   core_bench [--rounds N] [--mib N] [contender...]      LONGSHORE_SHA256=<name> forces a kernel

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "native/core/chunk_hasher.h"
#include "native/core/crc32c.h"
#include "native/core/hash_in_parallel.h"
#include "native/core/sha256.h"

#if defined(LONGSHORE_HAVE_OPENSSL)
#include <openssl/evp.h>
#endif

namespace longshore {
namespace {

using Content = std::vector<uint8_t>;

// What a contender makes is added up here, so that the compiler cannot leave the work out.
uint32_t checksum = 0;

struct Contender {
  const char* name;
  std::function<void(const Content&)> work;
  size_t threads = 1;  // each does all of the content
};

#if defined(LONGSHORE_HAVE_OPENSSL)
void OpensslDigest(const uint8_t* data, size_t bytes, uint8_t digest[kSha256DigestBytes]) {
  unsigned written = 0;
  if (EVP_Digest(data, bytes, digest, &written, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL's EVP_Digest failed");
  }
}

void OpensslChunks(const Content& content) {
  uint8_t digest[kSha256DigestBytes];
  for (size_t at = 0; at < content.size(); at += kChunkBytes) {
    OpensslDigest(content.data() + at, kChunkBytes, digest);
  }
}

void OpensslWhole(const Content& content) {
  uint8_t digest[kSha256DigestBytes];
  OpensslDigest(content.data(), content.size(), digest);
}
#endif

void Chunks(const Content& content) {
  constexpr size_t kAtOnce = 16;
  const uint8_t* messages[kAtOnce];
  uint8_t digests[kAtOnce][kSha256DigestBytes];
  for (size_t at = 0; at < content.size(); at += kAtOnce * kChunkBytes) {
    const size_t chunks = std::min(kAtOnce, (content.size() - at) / kChunkBytes);
    for (size_t i = 0; i < chunks; ++i) messages[i] = content.data() + at + i * kChunkBytes;
    Sha256Many(messages, kChunkBytes, chunks, digests);
  }
}

void Whole(const Content& content) {
  uint8_t digest[kSha256DigestBytes];
  Sha256Digest(content.data(), content.size(), digest);
  checksum += digest[0];
}

void Pair(const Content& content) {
  Sha256State whole = kSha256Initial;
  Sha256State chunk = {{1, 2, 3, 4, 5, 6, 7, 8}};
  Sha256BlocksPair(&whole, &chunk, content.data(), content.size() / kSha256BlockBytes);
  checksum += whole.h[0] + chunk.h[0];
}

void OnePass(const Content& content) {
  ChunkHasher hasher(0, true);
  for (size_t at = 0; at < content.size(); at += kChunkBytes) {
    hasher.Update(content.data() + at, kChunkBytes);
  }
  hasher.Finish();
  checksum += hasher.TakeChunks().block_crcs.back() + hasher.WholeDigest()[0];
}

void TwoThreads(const Content& content) {
  const ContentDigests digests =
      HashInParallel([&content](uint64_t offset, uint8_t* into, size_t bytes) {
        const size_t given = std::min<size_t>(bytes, content.size() - offset);
        std::memcpy(into, content.data() + offset, given);
        return given;
      });
  checksum += digests.crc32c + digests.sha256[0];
}

void Crcs(const Content& content) { checksum += Crc32c(0, content.data(), content.size()); }

std::vector<Contender> Contenders() {
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  return {
#if defined(LONGSHORE_HAVE_OPENSSL)
    {"openssl-chunks", OpensslChunks}, {"openssl-whole", OpensslWhole},
#endif
        {"chunks", Chunks}, {"chunks-all-cores", Chunks, cores}, {"whole", Whole}, {"pair", Pair},
        {"one-pass", OnePass}, {"two-threads", TwoThreads}, {"crc32c", Crcs},
  };
}

// GB/s of all threads together.
double Speed(const Contender& contender, const Content& content) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  std::vector<std::thread> others;
  for (size_t i = 1; i < contender.threads; ++i) {
    others.emplace_back([&] { contender.work(content); });
  }
  contender.work(content);
  for (std::thread& other : others) other.join();
  const std::chrono::duration<double> took = Clock::now() - begin;
  return static_cast<double>(content.size() * contender.threads) / took.count() / 1e9;
}

Content FillContent(size_t bytes) {
  Content content(bytes);
  uint64_t state = 1;
  for (size_t i = 0; i < bytes; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;  // Knuth, MMIX
    content[i] = static_cast<uint8_t>(state >> 56);
  }
  return content;
}

struct Options {
  size_t rounds = 9;
  size_t mib = 256;
  std::vector<std::string> names;  // empty: all
};

// A whole number up to a million; 0 when `text` is none.
size_t ParseCount(const char* text) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  return *end == '\0' && value <= 1000000 ? value : 0;
}

bool Parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--rounds" && i + 1 < argc) {
      options->rounds = ParseCount(argv[++i]);
    } else if (argument == "--mib" && i + 1 < argc) {
      options->mib = ParseCount(argv[++i]);
    } else {
      options->names.push_back(argument);
    }
  }
  return options->rounds > 0 && options->mib > 0;
}

std::vector<Contender> Wanted(const std::vector<std::string>& names) {
  std::vector<Contender> all = Contenders();
  if (names.empty()) return all;
  std::vector<Contender> wanted;
  for (const std::string& name : names) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Contender& one) { return name == one.name; });
    if (found == all.end()) throw std::invalid_argument("no such contender: " + name);
    wanted.push_back(*found);
  }
  return wanted;
}

void Run(const Options& options) {
  const char* forced =
      std::getenv("LONGSHORE_SHA256");  // NOLINT(concurrency-mt-unsafe): no threads yet
  if (forced != nullptr && !Sha256Force(forced)) {
    throw std::invalid_argument(std::string("no such SHA-256 on this machine: ") + forced);
  }
  const std::vector<Contender> contenders = Wanted(options.names);
  const Content content = FillContent(options.mib << 20);
  std::vector<double> best(contenders.size());
  for (const Contender& contender : contenders) Speed(contender, content);
  for (size_t round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      best[i] = std::max(best[i], Speed(contenders[i], content));
    }
  }
  for (size_t i = 0; i < contenders.size(); ++i) {
    std::printf(
        "{\"contender\":\"%s\",\"gb_per_s\":%.3f,\"threads\":%zu,\"sha256\":\"%s\","
        "\"crc32c\":\"%s\"}\n",
        contenders[i].name, best[i], contenders[i].threads, Sha256Implementation(),
        Crc32cImplementation());
  }
}

}  // namespace
}  // namespace longshore

int main(int argc, char** argv) {
  try {
    longshore::Options options;
    if (!longshore::Parse(argc, argv, &options)) {
      std::fprintf(stderr, "usage: core_bench [--rounds N] [--mib N] [contender...]\n");
      return 2;
    }
    longshore::Run(options);
    // Never true, and never known to the compiler.
    return longshore::checksum == 0x12345678 ? 3 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "core_bench: %s\n", error.what());
    return 1;
  }
}
