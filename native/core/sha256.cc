#include "native/core/sha256.h"

#include <algorithm>
#include <cstring>

#include "native/core/sha256_dispatch.h"

namespace longshore {

namespace {

void StoreDigest(const Sha256State& state, uint8_t digest[kSha256DigestBytes]) {
  for (int i = 0; i < 8; ++i) {
    for (int byte = 0; byte < 4; ++byte) {
      digest[4 * i + byte] = static_cast<uint8_t>(state.h[i] >> (24 - 8 * byte));
    }
  }
}

// Lays out what ends a message of `bytes` bytes: its tail, a one bit, zeros, its length in bits.
// Returns how many blocks that fills, one or two.
size_t Pad(const uint8_t* tail, uint64_t bytes, uint8_t padded[2 * kSha256BlockBytes]) {
  const size_t tail_bytes = bytes % kSha256BlockBytes;
  const size_t blocks = tail_bytes + 9 <= kSha256BlockBytes ? 1 : 2;
  const size_t end = blocks * kSha256BlockBytes;
  if (tail_bytes > 0) std::memcpy(padded, tail, tail_bytes);
  padded[tail_bytes] = 0x80;
  std::memset(padded + tail_bytes + 1, 0, end - tail_bytes - 1);
  for (size_t i = 0; i < 8; ++i) padded[end - 1 - i] = static_cast<uint8_t>((bytes * 8) >> (8 * i));
  return blocks;
}

// Digests of `lanes` messages with a kernel that takes exactly so many; when there are fewer
// messages, the lanes left over repeat the first one.
void DigestLanes(const Sha256Lanes& kernel, const uint8_t* const* messages, size_t bytes,
                 size_t count, uint8_t (*digests)[kSha256DigestBytes]) {
  Sha256State states[kSha256LanesMax];
  const uint8_t* data[kSha256LanesMax];
  uint8_t padded[kSha256LanesMax][2 * kSha256BlockBytes];
  for (size_t i = 0; i < kernel.lanes; ++i) {
    states[i] = kSha256Initial;
    data[i] = messages[i < count ? i : 0];
  }
  const size_t blocks = bytes / kSha256BlockBytes;
  kernel.blocks(states, data, blocks);
  size_t padded_blocks = 0;
  for (size_t i = 0; i < kernel.lanes; ++i) {
    padded_blocks = Pad(data[i] + blocks * kSha256BlockBytes, bytes, padded[i]);
    data[i] = padded[i];
  }
  kernel.blocks(states, data, padded_blocks);
  for (size_t i = 0; i < count; ++i) StoreDigest(states[i], digests[i]);
}

}  // namespace

void Sha256Blocks(Sha256State* state, const uint8_t* data, size_t blocks) {
  Sha256Kernels().blocks(state, data, blocks);
}

void Sha256BlocksPair(Sha256State* a, Sha256State* b, const uint8_t* data, size_t blocks) {
  Sha256Kernels().pair(a, b, data, blocks);
}

void Sha256Many(const uint8_t* const* messages, size_t bytes, size_t count,
                uint8_t (*digests)[kSha256DigestBytes]) {
  const Sha256KernelSet& kernels = Sha256Kernels();
  while (count > 0) {
    // A group takes the same time however few of its lanes are used, so each kind of kernel has
    // a number of messages from which it is worth its while.
    size_t done = 1;
    if (kernels.wide.lanes > 0 && count >= kernels.wide.worthwhile) {
      done = std::min(count, kernels.wide.lanes);
      DigestLanes(kernels.wide, messages, bytes, done, digests);
    } else if (kernels.narrow.lanes > 0 && count >= kernels.narrow.worthwhile) {
      done = std::min(count, kernels.narrow.lanes);
      DigestLanes(kernels.narrow, messages, bytes, done, digests);
    } else {
      Sha256Digest(*messages, bytes, *digests);
    }
    messages += done;
    digests += done;
    count -= done;
  }
}

void Sha256Finish(const Sha256State& state, const uint8_t* tail, uint64_t bytes,
                  uint8_t digest[kSha256DigestBytes]) {
  uint8_t padded[2 * kSha256BlockBytes];
  Sha256State last = state;
  Sha256Blocks(&last, padded, Pad(tail, bytes, padded));
  StoreDigest(last, digest);
}

Sha256::Sha256() : now_{kSha256Initial, 0, {}} {}

void Sha256::Update(const void* data, size_t bytes) {
  const auto* from = static_cast<const uint8_t*>(data);
  const size_t tail_bytes = now_.bytes % kSha256BlockBytes;
  now_.bytes += bytes;
  if (tail_bytes > 0) {
    const size_t taken = std::min(bytes, kSha256BlockBytes - tail_bytes);
    if (taken > 0) std::memcpy(now_.tail + tail_bytes, from, taken);
    if (tail_bytes + taken < kSha256BlockBytes) return;
    Sha256Blocks(&now_.state, now_.tail, 1);
    std::memset(now_.tail, 0, sizeof now_.tail);
    from += taken;
    bytes -= taken;
  }
  const size_t blocks = bytes / kSha256BlockBytes;
  if (blocks > 0) Sha256Blocks(&now_.state, from, blocks);
  const size_t rest = bytes % kSha256BlockBytes;
  if (rest > 0) std::memcpy(now_.tail, from + blocks * kSha256BlockBytes, rest);
}

void Sha256::Final(uint8_t digest[kSha256DigestBytes]) const {
  Sha256Finish(now_.state, now_.tail, now_.bytes, digest);
}

Sha256Midstate Sha256::Save() const { return now_; }

void Sha256::Restore(const Sha256Midstate& midstate) { now_ = midstate; }

void Sha256Digest(const void* data, size_t bytes, uint8_t digest[kSha256DigestBytes]) {
  const auto* from = static_cast<const uint8_t*>(data);
  const size_t blocks = bytes / kSha256BlockBytes;
  Sha256State state = kSha256Initial;
  if (blocks > 0) Sha256Blocks(&state, from, blocks);
  Sha256Finish(state, bytes > 0 ? from + blocks * kSha256BlockBytes : nullptr, bytes, digest);
}

}  // namespace longshore
