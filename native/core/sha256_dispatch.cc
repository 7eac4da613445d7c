#include "native/core/sha256_dispatch.h"

#include <array>
#include <atomic>
#include <cstring>
#include <string>

#include "native/core/cpu_features.h"

namespace longshore {

namespace {

struct Candidate {
  Sha256KernelSet kernels;
  bool available;  // on this CPU
};

// Best first. A set that this build has no code for is left out.
const auto& Candidates() {
  static const std::array candidates = {
#if defined(LONGSHORE_HAVE_AVX512) && defined(LONGSHORE_HAVE_SHANI)
    // Measured on Zen 5: 16 AVX-512 lanes take as long as 3.7 groups of 4 SHA-NI streams.
    Candidate{{"avx512",
               Sha256BlocksShani,
               Sha256BlocksPairShani,
               {4, 3, Sha256Blocks4Shani},
               {16, 13, Sha256Blocks16Avx512}},
              ThisCpu().avx512 && ThisCpu().shani},
#endif
#if defined(LONGSHORE_HAVE_AVX512)
    Candidate{{"avx512",
               Sha256BlocksPortable,
               Sha256BlocksPairPortable,
               {0, 0, nullptr},
               {16, 3, Sha256Blocks16Avx512}},
              ThisCpu().avx512},
#endif
#if defined(LONGSHORE_HAVE_SHANI)
    Candidate{{"shani",
               Sha256BlocksShani,
               Sha256BlocksPairShani,
               {4, 3, Sha256Blocks4Shani},
               {0, 0, nullptr}},
              ThisCpu().shani},
#endif
#if defined(LONGSHORE_HAVE_ARMV8)
    Candidate{{"armv8",
               Sha256BlocksArmv8,
               Sha256BlocksPairArmv8,
               {4, 3, Sha256Blocks4Armv8},
               {0, 0, nullptr}},
              ThisCpu().arm_sha2},
#endif
    Candidate{{"portable",
               Sha256BlocksPortable,
               Sha256BlocksPairPortable,
               {0, 0, nullptr},
               {0, 0, nullptr}},
              true},
  };
  return candidates;
}

constexpr size_t kTestBlocks = 3;
constexpr size_t kTestBytes = kTestBlocks * kSha256BlockBytes;

// The two-block example of FIPS 180-4, already padded, and a third block of other bytes.
struct KnownMessage {
  uint8_t bytes[kTestBytes];
};
constexpr size_t kExampleBlocks = 2;
constexpr Sha256State kExampleAnswer = {{0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039, 0xa33ce459,
                                         0x64ff2167, 0xf6ecedd4, 0x19db06c1}};

KnownMessage Example() {
  constexpr char kText[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  constexpr size_t kTextBytes = sizeof kText - 1;
  KnownMessage message{};
  std::memcpy(message.bytes, kText, kTextBytes);
  message.bytes[kTextBytes] = 0x80;
  constexpr size_t kBits = kTextBytes * 8;
  message.bytes[126] = kBits >> 8;
  message.bytes[127] = kBits & 0xff;
  for (size_t i = 128; i < kTestBytes; ++i) message.bytes[i] = static_cast<uint8_t>(i * 37);
  return message;
}

bool Equal(const Sha256State& a, const Sha256State& b) {
  return std::memcmp(a.h, b.h, sizeof a.h) == 0;
}

Sha256State Reference(const uint8_t* data, size_t blocks) {
  Sha256State state = kSha256Initial;
  Sha256BlocksPortable(&state, data, blocks);
  return state;
}

// Each lane gets a message of its own, so that lanes which are mixed up are noticed.
bool LanesAgree(const Sha256Lanes& kernel) {
  if (kernel.lanes == 0) return true;
  Sha256State states[kSha256LanesMax];
  KnownMessage messages[kSha256LanesMax];
  const uint8_t* data[kSha256LanesMax];
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    states[lane] = kSha256Initial;
    messages[lane] = Example();
    messages[lane].bytes[0] = static_cast<uint8_t>(messages[lane].bytes[0] + lane);
    data[lane] = messages[lane].bytes;
  }
  kernel.blocks(states, data, kExampleBlocks);
  if (!Equal(states[0], kExampleAnswer)) return false;
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    if (!Equal(states[lane], Reference(data[lane], kExampleBlocks))) return false;
  }
  return true;
}

bool KnowsItsAnswers(const Sha256KernelSet& kernels) {
  const KnownMessage message = Example();
  Sha256State one = kSha256Initial;
  kernels.blocks(&one, message.bytes, kExampleBlocks);
  if (!Equal(one, kExampleAnswer)) return false;
  Sha256State behind = kSha256Initial;
  const uint8_t* third = message.bytes + kExampleBlocks * kSha256BlockBytes;
  kernels.pair(&one, &behind, third, 1);
  if (!Equal(one, Reference(message.bytes, kTestBlocks))) return false;
  if (!Equal(behind, Reference(third, 1))) return false;
  return LanesAgree(kernels.narrow) && LanesAgree(kernels.wide);
}

struct Choice {
  const Sha256KernelSet* best = nullptr;
  std::string rejected;
};

Choice Choose() {
  Choice choice;
  for (const Candidate& candidate : Candidates()) {
    if (!candidate.available) continue;
    if (KnowsItsAnswers(candidate.kernels)) {
      if (choice.best == nullptr) choice.best = &candidate.kernels;
    } else {
      if (!choice.rejected.empty()) choice.rejected += ',';
      choice.rejected += candidate.kernels.name;
    }
  }
  // Wrong everywhere means a broken build, which the tests show; there is nothing left to take.
  if (choice.best == nullptr) choice.best = &Candidates().back().kernels;
  return choice;
}

const Choice& Chosen() {
  static const Choice choice = Choose();
  return choice;
}

std::atomic<const Sha256KernelSet*> forced{nullptr};

}  // namespace

const Sha256KernelSet& Sha256Kernels() {
  const Sha256KernelSet* kernels = forced.load(std::memory_order_acquire);
  return kernels != nullptr ? *kernels : *Chosen().best;
}

const char* Sha256Implementation() { return Sha256Kernels().name; }

const char* Sha256Rejected() { return Chosen().rejected.c_str(); }

bool Sha256Force(const char* name) {
  if (std::strcmp(name, "") == 0 || std::strcmp(name, "auto") == 0) {
    forced.store(nullptr, std::memory_order_release);
    return true;
  }
  for (const Candidate& candidate : Candidates()) {
    if (!candidate.available || std::strcmp(candidate.kernels.name, name) != 0) continue;
    if (!KnowsItsAnswers(candidate.kernels)) continue;
    forced.store(&candidate.kernels, std::memory_order_release);
    return true;
  }
  return false;
}

}  // namespace longshore
