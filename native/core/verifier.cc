#include "native/core/verifier.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "native/core/chunk_check.h"
#include "native/core/chunk_hasher.h"
#include "native/core/hash_in_parallel.h"
#include "native/core/manifest.h"
#include "native/core/posix_file.h"
#include "native/core/storage_error.h"
#include "native/core/thread_pool.h"

namespace longshore {

namespace {

using Clock = std::chrono::steady_clock;

// A blob under verification; everything in it stays put until the end.
struct Subject {
  std::string path;
  VerifyOptions options;
  Content manifest;
  UniqueFd fd;
  uint64_t size = 0;
};

void ThrowIfAborted(const Subject& subject) {
  if (subject.options.aborted && *subject.options.aborted) {
    throw StorageError("ABORTED", "verify " + subject.path + ": aborted");
  }
}

// A file that is too long has no chunk of its own to blame.
void BlameExcess(const Subject& subject, std::vector<uint64_t>& bad) {
  if (subject.size <= subject.manifest.size) return;
  const uint64_t chunks = subject.manifest.chunk_digests.size();
  const uint64_t last = chunks == 0 ? 0 : chunks - 1;
  if (bad.empty() || bad.back() != last) bad.push_back(last);
}

// The file ended after `bytes`: chunks that it should have had and has not.
void BlameMissing(const Subject& subject, uint64_t bytes, std::vector<uint64_t>& bad) {
  for (uint64_t chunk = ChunksIn(bytes); chunk < subject.manifest.chunk_digests.size(); ++chunk) {
    bad.push_back(chunk);
  }
  BlameExcess(subject, bad);
}

// Sleeps in short steps, so that an abort is seen.
void WaitUntil(const Subject& subject, Clock::time_point moment) {
  constexpr auto kStep = std::chrono::milliseconds(50);
  while (true) {
    ThrowIfAborted(subject);
    const auto now = Clock::now();
    if (now >= moment) return;
    std::this_thread::sleep_for(std::min<Clock::duration>(kStep, moment - now));
  }
}

void Collect(const HashedChunks& hashed, const Content& manifest, std::vector<uint64_t>& bad) {
  for (size_t i = 0; i < hashed.digests.size(); ++i) {
    const uint64_t chunk = hashed.first_chunk + i;
    if (chunk < manifest.chunk_digests.size() &&
        hashed.digests[i] != manifest.chunk_digests[chunk]) {
      bad.push_back(chunk);
    }
  }
}

// With the digest of the whole, in the time that this digest takes alone: two threads.
Verification VerifyWhole(const Subject& subject) {
  const ContentDigests digests = HashInParallel([&](uint64_t offset, uint8_t* into, size_t bytes) {
    ThrowIfAborted(subject);
    return ReadAt(subject.fd.get(), subject.path, offset, into, bytes);
  });
  Verification found;
  Collect(digests.chunks, subject.manifest, found.bad_chunks);
  BlameMissing(subject, digests.bytes, found.bad_chunks);
  found.sha256 = digests.sha256;
  return found;
}

// At a gentle pace: one pass, a chunk at a time.
Verification VerifyPaced(const Subject& subject, uint64_t bytes_per_second_max) {
  std::vector<uint8_t> buffer(kChunkBytes);
  ChunkHasher hasher(0, subject.options.whole);
  Verification found;
  const auto begin = Clock::now();
  for (uint64_t offset = 0; offset < subject.size;) {
    const std::chrono::duration<double> due(
        static_cast<double>(offset) /
        static_cast<double>(std::max<uint64_t>(1, bytes_per_second_max)));
    WaitUntil(subject, begin + std::chrono::duration_cast<Clock::duration>(due));
    const size_t got = ReadAt(subject.fd.get(), subject.path, offset, buffer.data(), buffer.size());
    if (got == 0) break;
    hasher.Update(buffer.data(), got);
    Collect(hasher.TakeChunks(), subject.manifest, found.bad_chunks);
    offset += got;
  }
  hasher.Finish();
  Collect(hasher.TakeChunks(), subject.manifest, found.bad_chunks);
  BlameMissing(subject, hasher.offset(), found.bad_chunks);
  if (subject.options.whole) found.sha256 = hasher.WholeDigest();
  return found;
}

}  // namespace

void VerifyBlob(const std::string& content_path, const std::string& manifest_path,
                VerifyOptions options, Done<Verification> done) {
  auto subject = std::make_shared<Subject>();
  subject->path = content_path;
  subject->options = std::move(options);
  const bool in_order = subject->options.whole || subject->options.bytes_per_second_max;
  ThreadPool& pool = in_order ? PatientPool() : SlowPool();
  pool.Post([subject, manifest_path, in_order, done = std::move(done)] {
    try {
      subject->manifest = ReadManifest(manifest_path);
      subject->fd = OpenToRead(subject->path);
      subject->size = FileSize(subject->fd.get(), subject->path);
      ThrowIfAborted(*subject);
    } catch (...) {
      done(Failed<Verification>(std::current_exception()));
      return;
    }
    if (in_order) {
      const auto pace = subject->options.bytes_per_second_max;
      done(Attempt([&] { return pace ? VerifyPaced(*subject, *pace) : VerifyWhole(*subject); }));
      return;
    }
    std::make_shared<ChunkCheck>(
        subject->fd.get(), subject->path, subject->manifest, subject->options.aborted.get(),
        [subject, done](std::vector<uint64_t> bad, const std::exception_ptr& failure) {
          done(Attempt([&] {
            if (failure) std::rethrow_exception(failure);
            ThrowIfAborted(*subject);
            Verification found{std::move(bad), std::nullopt};
            BlameExcess(*subject, found.bad_chunks);
            return found;
          }));
        })
        ->Start();
  });
}

std::vector<uint64_t> FindBadChunks(int fd, const std::string& path, const Content& content,
                                    const std::atomic<bool>* aborted) {
  std::promise<std::vector<uint64_t>> promise;
  std::make_shared<ChunkCheck>(
      fd, path, content, aborted,
      [&promise](std::vector<uint64_t> bad, const std::exception_ptr& failure) {
        if (failure) {
          promise.set_exception(failure);
        } else {
          promise.set_value(std::move(bad));
        }
      })
      ->Start();
  return promise.get_future().get();
}

}  // namespace longshore
