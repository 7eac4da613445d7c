#include "native/core/verifier.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "native/core/chunk_check.h"
#include "native/core/chunk_hasher.h"
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

// One pass in order, for the digest of the whole or at a gentle pace.
Verification VerifyInOrder(const Subject& subject) {
  std::vector<uint8_t> buffer(kChunkBytes);
  ChunkHasher hasher(0, subject.options.whole);
  Verification found;
  const auto begin = Clock::now();
  for (uint64_t offset = 0; offset < subject.size;) {
    if (subject.options.bytes_per_second_max) {
      const double seconds =
          static_cast<double>(offset) /
          static_cast<double>(std::max<uint64_t>(1, *subject.options.bytes_per_second_max));
      WaitUntil(subject, begin + std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(seconds)));
    }
    ThrowIfAborted(subject);
    const size_t got = ReadAt(subject.fd.get(), subject.path, offset, buffer.data(), buffer.size());
    if (got == 0) break;
    hasher.Update(buffer.data(), got);
    Collect(hasher.TakeChunks(), subject.manifest, found.bad_chunks);
    offset += got;
  }
  hasher.Finish();
  Collect(hasher.TakeChunks(), subject.manifest, found.bad_chunks);
  for (uint64_t chunk = ChunksIn(hasher.offset()); chunk < subject.manifest.chunk_digests.size();
       ++chunk) {
    found.bad_chunks.push_back(chunk);
  }
  BlameExcess(subject, found.bad_chunks);
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
      done(Attempt([&] { return VerifyInOrder(*subject); }));
      return;
    }
    std::make_shared<ChunkCheck>(
        subject->fd.get(), subject->path, subject->manifest, subject->options.aborted.get(),
        [subject, done](std::vector<uint64_t> bad, const std::exception_ptr& failure) {
          if (failure) {
            done(Failed<Verification>(failure));
            return;
          }
          BlameExcess(*subject, bad);
          done({Verification{std::move(bad), std::nullopt}, nullptr});
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
