#include "native/core/chunk_check.h"

#include <algorithm>
#include <utility>

#include "native/core/posix_file.h"
#include "native/core/sha256.h"
#include "native/core/storage_error.h"
#include "native/core/thread_pool.h"

namespace longshore {

namespace {

constexpr uint64_t kChunksPerBatch = 16;  // the widest kernel's lanes
constexpr size_t kStreamsMax = 8;         // each holds a batch in memory

uint64_t BytesOfChunk(const Content& content, uint64_t chunk) {
  return std::min<uint64_t>(kChunkBytes, content.size - chunk * kChunkBytes);
}

}  // namespace

ChunkCheck::ChunkCheck(int fd, std::string path, const Content& content,
                       const std::atomic<bool>* aborted, Ended ended)
    : fd_(fd),
      path_(std::move(path)),
      content_(content),
      aborted_(aborted),
      ended_(std::move(ended)) {}

void ChunkCheck::Start() {
  const uint64_t batches = (content_.chunk_digests.size() + kChunksPerBatch - 1) / kChunksPerBatch;
  // One more than there are cores: while all of them hash, the next batch is read.
  const size_t streams = std::min({static_cast<size_t>(std::max<uint64_t>(1, batches)),
                                   ComputePool().threads() + 1, kStreamsMax});
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    streams_ = streams;
  }
  for (size_t i = 0; i < streams; ++i) Next(std::make_shared<Batch>());
}

void ChunkCheck::Next(const std::shared_ptr<Batch>& batch) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const uint64_t left = content_.chunk_digests.size() - next_chunk_;
    if (left > 0 && !failure_) {
      batch->first_chunk = next_chunk_;
      batch->chunks = static_cast<size_t>(std::min(left, kChunksPerBatch));
      next_chunk_ += batch->chunks;
    } else {
      if (--streams_ > 0) return;
      std::sort(bad_.begin(), bad_.end());
      // Nobody else is left, so the lock guards nothing any more; `ended_` runs on a fresh stack.
      IoPool().Post(
          [self = shared_from_this()] { self->ended_(std::move(self->bad_), self->failure_); });
      return;
    }
  }
  IoPool().Post([self = shared_from_this(), batch] {
    try {
      self->Read(*batch);
    } catch (...) {
      self->Fail(std::current_exception());
      self->Next(batch);
      return;
    }
    ComputePool().Post([self, batch] {
      self->Hash(*batch);
      self->Next(batch);
    });
  });
}

void ChunkCheck::Read(Batch& batch) const {
  if (aborted_ != nullptr && *aborted_)
    throw StorageError("ABORTED", "verify " + path_ + ": aborted");
  batch.bytes.resize(kChunksPerBatch * kChunkBytes);
  batch.there.assign(batch.chunks, 0);
  for (size_t i = 0; i < batch.chunks; ++i) {
    const uint64_t chunk = batch.first_chunk + i;
    batch.there[i] = ReadAt(fd_, path_, chunk * kChunkBytes, batch.bytes.data() + i * kChunkBytes,
                            static_cast<size_t>(BytesOfChunk(content_, chunk)));
  }
}

void ChunkCheck::Hash(const Batch& batch) {
  std::vector<const uint8_t*> full;
  std::vector<uint64_t> full_chunks;
  std::vector<uint64_t> bad;
  for (size_t i = 0; i < batch.chunks; ++i) {
    const uint64_t chunk = batch.first_chunk + i;
    const uint8_t* data = batch.bytes.data() + i * kChunkBytes;
    if (batch.there[i] != BytesOfChunk(content_, chunk)) {
      bad.push_back(chunk);
    } else if (batch.there[i] == kChunkBytes) {
      full.push_back(data);
      full_chunks.push_back(chunk);
    } else {
      Digest digest;
      Sha256Digest(data, batch.there[i], digest.data());
      if (digest != content_.chunk_digests[chunk]) bad.push_back(chunk);
    }
  }
  uint8_t digests[kChunksPerBatch][kSha256DigestBytes];
  Sha256Many(full.data(), kChunkBytes, full.size(), digests);
  for (size_t i = 0; i < full.size(); ++i) {
    const Digest& expected = content_.chunk_digests[full_chunks[i]];
    if (!std::equal(expected.begin(), expected.end(), digests[i])) bad.push_back(full_chunks[i]);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  bad_.insert(bad_.end(), bad.begin(), bad.end());
}

void ChunkCheck::Fail(const std::exception_ptr& failure) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!failure_) failure_ = failure;
}

}  // namespace longshore
