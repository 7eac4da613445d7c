#ifndef LONGSHORE_NATIVE_CORE_VERIFIER_H_
#define LONGSHORE_NATIVE_CORE_VERIFIER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "native/core/content.h"
#include "native/core/outcome.h"

// Compares a file with what its manifest says.

namespace longshore {

struct Verification {
  // Ascending. Chunks that the file lacks are bad; of a file that is too long the last one is.
  std::vector<uint64_t> bad_chunks;
  std::optional<Digest> sha256;  // of the file as it is, when asked for
};

struct VerifyOptions {
  bool whole = false;
  std::optional<uint64_t> bytes_per_second_max;
  // Looked at between batches; StorageError ABORTED once it is true.
  std::shared_ptr<const std::atomic<bool>> aborted;
};

// Reads the manifest and verifies: on all cores; on two when the digest of the whole is asked for;
// on one when a pace is set. Any thread; does not wait.
void VerifyBlob(const std::string& content_path, const std::string& manifest_path,
                VerifyOptions options, Done<Verification> done);

// The same for a file that is open, chunk digests only; waits, so not for a pool's thread that
// others wait on (IoPool, ComputePool). `aborted` may be null.
std::vector<uint64_t> FindBadChunks(int fd, const std::string& path, const Content& content,
                                    const std::atomic<bool>* aborted);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_VERIFIER_H_
