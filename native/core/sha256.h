#ifndef LONGSHORE_NATIVE_CORE_SHA256_H_
#define LONGSHORE_NATIVE_CORE_SHA256_H_

#include <cstddef>
#include <cstdint>

// SHA-256 (FIPS 180-4). Every function may be called from any thread at any time, except
// Sha256Force, which is for the start of the process and for tests.

namespace longshore {

constexpr size_t kSha256BlockBytes = 64;
constexpr size_t kSha256DigestBytes = 32;

// The eight chaining words, in the order of the standard, as native integers.
struct Sha256State {
  uint32_t h[8];
};

constexpr Sha256State kSha256Initial = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                         0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};

// Advances `state` over `blocks` blocks of 64 bytes. `data` needs no alignment.
void Sha256Blocks(Sha256State* state, const uint8_t* data, size_t blocks);

// Advances two chains over the same bytes. A file's digest and its chunk's digest see the same
// 64-byte blocks, so one message schedule serves both; and as one chain only waits on the latency
// of its own rounds, the second one fills the gap and costs little.
void Sha256BlocksPair(Sha256State* a, Sha256State* b, const uint8_t* data, size_t blocks);

// Digests of `count` independent messages of `bytes` bytes each, as many at once as the machine
// has lanes for.
void Sha256Many(const uint8_t* const* messages, size_t bytes, size_t count,
                uint8_t (*digests)[kSha256DigestBytes]);

// Pads `state`, which has seen `bytes - bytes % 64` bytes of the message, with the `bytes % 64`
// bytes at `tail`, and writes the digest. `state` itself stays as it was.
void Sha256Finish(const Sha256State& state, const uint8_t* tail, uint64_t bytes,
                  uint8_t digest[kSha256DigestBytes]);

// A digest under way, to be carried on later, in another process if need be.
struct Sha256Midstate {
  Sha256State state;
  uint64_t bytes;                   // of the message so far
  uint8_t tail[kSha256BlockBytes];  // its last `bytes % 64` bytes, then zeros
};

// One message, given piece by piece. One thread at a time.
class Sha256 {
 public:
  Sha256();

  void Update(const void* data, size_t bytes);
  // Writes the digest of what has been given so far; more may follow.
  void Final(uint8_t digest[kSha256DigestBytes]) const;

  Sha256Midstate Save() const;
  void Restore(const Sha256Midstate& midstate);

 private:
  Sha256Midstate now_;
};

// Digest of one message that lies in memory.
void Sha256Digest(const void* data, size_t bytes, uint8_t digest[kSha256DigestBytes]);

// What is in use: "avx512" (which takes SHA-NI for single streams and pairs where the CPU has it),
// "shani", "armv8" or "portable". Chosen at first use: the best that the CPU has and that passes
// its known answers.
const char* Sha256Implementation();

// Uses the named implementation from now on; "" or "auto" goes back to the best. False, and no
// change, when the name is unknown, this CPU lacks it or it fails its known answers.
bool Sha256Force(const char* name);

// Names of kernels that the CPU claims to have but that gave a wrong answer, separated by commas;
// "" when all is well. Such a kernel is never used; whoever starts the process should log this.
const char* Sha256Rejected();

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_SHA256_H_
