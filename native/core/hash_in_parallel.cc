#include "native/core/hash_in_parallel.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "native/core/crc32c.h"

namespace longshore {

namespace {

// As many chunks as the widest kernel has lanes.
constexpr size_t kBatchChunks = 16;
constexpr size_t kBatchBytes = kBatchChunks * kChunkBytes;
constexpr size_t kBatches = 3;

// Makes the digest of the whole on a thread of its own, over batches that lie in a small ring.
class Follower {
 public:
  Follower() : thread_([this] { Run(); }) {}
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  ~Follower() {
    if (thread_.joinable()) Stop();
  }

  // A batch to fill; waits until the digest has passed the one that was there.
  uint8_t* NextBatch() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return given_ - passed_ < kBatches; });
    std::unique_ptr<uint8_t[]>& batch = batches_.at(given_ % kBatches);
    // Not zeroed: the system provides only the pages that content really reaches.
    if (!batch) batch = std::unique_ptr<uint8_t[]>(new uint8_t[kBatchBytes]);
    return batch.get();
  }

  // The batch that NextBatch gave last now holds `bytes` bytes.
  void Give(size_t bytes) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      sizes_.at(given_ % kBatches) = bytes;
      ++given_;
    }
    changed_.notify_all();
  }

  Digest Finish() {
    Stop();
    Digest digest;
    whole_.Final(digest.data());
    return digest;
  }

 private:
  void Stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return passed_ < given_ || ended_; });
      if (passed_ == given_) return;
      const uint8_t* batch = batches_.at(passed_ % kBatches).get();
      const size_t bytes = sizes_.at(passed_ % kBatches);
      lock.unlock();
      whole_.Update(batch, bytes);
      lock.lock();
      ++passed_;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<std::unique_ptr<uint8_t[]>, kBatches> batches_;
  std::array<size_t, kBatches> sizes_{};
  size_t given_ = 0;
  size_t passed_ = 0;
  bool ended_ = false;
  Sha256 whole_;
  std::thread thread_;  // last: it uses all of the above
};

void HashBlockCrcs(const uint8_t* data, size_t bytes, ContentDigests* digests) {
  for (size_t at = 0; at < bytes; at += kBlockBytes) {
    const size_t block = std::min(kBlockBytes, bytes - at);
    const uint32_t crc = Crc32c(0, data + at, block);
    digests->crc32c = Crc32cCombine(digests->crc32c, crc, block);
    digests->chunks.block_crcs.push_back(crc);
  }
}

void HashBatchChunks(const uint8_t* data, size_t bytes, ContentDigests* digests) {
  std::array<const uint8_t*, kBatchChunks> messages{};
  uint8_t made[kBatchChunks][kSha256DigestBytes];
  const size_t full = bytes / kChunkBytes;
  for (size_t i = 0; i < full; ++i) messages.at(i) = data + i * kChunkBytes;
  Sha256Many(messages.data(), kChunkBytes, full, made);
  for (size_t i = 0; i < full; ++i) {
    std::copy_n(made[i], kSha256DigestBytes, digests->chunks.digests.emplace_back().data());
  }
  const size_t rest = bytes % kChunkBytes;
  if (rest > 0) {
    Sha256Digest(data + full * kChunkBytes, rest, digests->chunks.digests.emplace_back().data());
  }
}

}  // namespace

ContentDigests HashInParallel(const ReadContent& read) {
  ContentDigests digests;
  Follower follower;
  size_t got = 0;
  do {
    uint8_t* batch = follower.NextBatch();
    got = read(digests.bytes, batch, kBatchBytes);
    follower.Give(got);
    HashBlockCrcs(batch, got, &digests);
    HashBatchChunks(batch, got, &digests);
    digests.bytes += got;
  } while (got == kBatchBytes);
  digests.sha256 = follower.Finish();
  return digests;
}

}  // namespace longshore
