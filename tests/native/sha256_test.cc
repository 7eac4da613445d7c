#include "native/core/sha256.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "native/core/sha256_kernels.h"
#include "tests/native/check.h"
#include "tests/native/random_bytes.h"
#include "tests/native/sha256_vectors.h"

namespace longshore {
namespace {

using testing::RandomBytes;

constexpr const char* kKernels[] = {"avx512", "shani", "armv8", "portable"};

void ForEachKernel(const std::function<void()>& body) {
  int reached = 0;
  for (const char* name : kKernels) {
    if (!Sha256Force(name)) {
      std::fprintf(stderr, "  %s: not on this CPU\n", name);
      continue;
    }
    CHECK(std::strcmp(Sha256Implementation(), name) == 0);
    body();
    ++reached;
  }
  CHECK(reached >= 1);
  CHECK(Sha256Force(""));
}

std::string Hex(const uint8_t digest[kSha256DigestBytes]) {
  std::string hex;
  for (size_t i = 0; i < kSha256DigestBytes; ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(digest[i]));
    hex += two;
  }
  return hex;
}

std::string DigestOf(const void* data, size_t bytes) {
  uint8_t digest[kSha256DigestBytes];
  Sha256Digest(data, bytes, digest);
  return Hex(digest);
}

std::string PortableDigestOf(const uint8_t* data, size_t bytes) {
  Sha256State state = kSha256Initial;
  const size_t blocks = bytes / kSha256BlockBytes;
  Sha256BlocksPortable(&state, data, blocks);
  uint8_t digest[kSha256DigestBytes];
  Sha256Finish(state, data + blocks * kSha256BlockBytes, bytes, digest);
  return Hex(digest);
}

bool SameState(const Sha256State& a, const Sha256State& b) {
  return std::memcmp(a.h, b.h, sizeof a.h) == 0;
}

void KnownAnswers(const std::string& path) {
  const std::vector<testing::Sha256Vector> vectors = testing::ReadSha256Vectors(path);
  CHECK(vectors.size() >= 15);
  for (const testing::Sha256Vector& vector : vectors) {
    const bool known = DigestOf(vector.message.data(), vector.message.size()) == vector.sha256;
    if (!known) std::fprintf(stderr, "  %s\n", vector.name.c_str());
    CHECK(known);
  }
}

void SplitsEqualOneCall() {
  const std::vector<uint8_t> content = RandomBytes(100000, 1);
  const std::string whole = PortableDigestOf(content.data(), content.size());
  std::mt19937 random(2);
  for (int round = 0; round < 100; ++round) {
    const size_t most = round % 2 == 0 ? 200 : 30000;
    Sha256 sha256;
    for (size_t at = 0; at < content.size();) {
      const size_t bytes = std::min<size_t>(random() % most, content.size() - at);
      sha256.Update(content.data() + at, bytes);
      at += bytes;
    }
    uint8_t digest[kSha256DigestBytes];
    sha256.Final(digest);
    CHECK(Hex(digest) == whole);
  }
}

void MidstatesCarryOn() {
  const std::vector<uint8_t> content = RandomBytes(300, 3);
  const std::string whole = PortableDigestOf(content.data(), content.size());
  for (size_t cut = 0; cut <= content.size(); ++cut) {
    Sha256 before;
    before.Update(content.data(), cut);
    const Sha256Midstate midstate = before.Save();
    CHECK(midstate.bytes == cut);
    for (size_t i = cut % kSha256BlockBytes; i < kSha256BlockBytes; ++i) {
      CHECK(midstate.tail[i] == 0);
    }
    before.Update("something else", 14);
    Sha256 after;
    after.Restore(midstate);
    after.Update(content.data() + cut, content.size() - cut);
    uint8_t digest[kSha256DigestBytes];
    after.Final(digest);
    CHECK(Hex(digest) == whole);
  }
}

// At any alignment, and with states that are not the initial ones.
void BlocksEqualPortable() {
  const std::vector<uint8_t> content = RandomBytes(70 * kSha256BlockBytes, 4);
  for (size_t from = 0; from < 5; ++from) {
    for (size_t blocks = 0; blocks < 67; ++blocks) {
      const uint8_t* data = content.data() + from;
      Sha256State one = {{1, 2, 3, 4, 5, 6, 7, static_cast<uint32_t>(blocks)}};
      Sha256State a = one;
      Sha256State b = kSha256Initial;
      Sha256State expected_a = one;
      Sha256State expected_b = b;
      Sha256BlocksPortable(&expected_a, data, blocks);
      Sha256BlocksPortable(&expected_b, data, blocks);
      Sha256Blocks(&one, data, blocks);
      Sha256BlocksPair(&a, &b, data, blocks);
      CHECK(SameState(one, expected_a));
      CHECK(SameState(a, expected_a));
      CHECK(SameState(b, expected_b));
    }
  }
}

void ManyEqualOneByOne() {
  const std::vector<uint8_t> content = RandomBytes(60000, 5);
  constexpr size_t kLengths[] = {0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 4096};
  for (const size_t bytes : kLengths) {
    for (size_t count = 0; count <= 37; ++count) {
      std::vector<const uint8_t*> messages;
      for (size_t i = 0; i < count; ++i) messages.push_back(content.data() + 1499 * i);
      std::vector<uint8_t> digests(count * kSha256DigestBytes);
      auto* into = reinterpret_cast<uint8_t(*)[kSha256DigestBytes]>(digests.data());
      Sha256Many(messages.data(), bytes, count, into);
      for (size_t i = 0; i < count; ++i) {
        CHECK(Hex(into[i]) == PortableDigestOf(messages[i], bytes));
      }
    }
  }
}

void FinalChangesNothing() {
  Sha256 sha256;
  uint8_t digest[kSha256DigestBytes];
  sha256.Update("ab", 2);
  sha256.Final(digest);
  sha256.Update("c", 1);
  sha256.Final(digest);
  CHECK(Hex(digest) == DigestOf("abc", 3));
}

}  // namespace
}  // namespace longshore

int main(int argc, char** argv) {
  using namespace longshore;
  if (argc != 2) {
    std::fprintf(stderr, "usage: sha256_test tests/vectors/sha256.json\n");
    return 2;
  }
  return testing::RunFacts({
      {"known answers", [&] { ForEachKernel([&] { KnownAnswers(argv[1]); }); }},
      {"splits equal one call", [] { ForEachKernel(SplitsEqualOneCall); }},
      {"midstates carry on at any offset", [] { ForEachKernel(MidstatesCarryOn); }},
      {"blocks equal the portable ones", [] { ForEachKernel(BlocksEqualPortable); }},
      {"many equal one by one", [] { ForEachKernel(ManyEqualOneByOne); }},
      {"a digest in between changes nothing", [] { ForEachKernel(FinalChangesNothing); }},
      {"no kernel is rejected", [] { CHECK(std::strcmp(Sha256Rejected(), "") == 0); }},
      {"an unknown kernel cannot be forced", [] { CHECK(!Sha256Force("mmx")); }},
  });
}
