#ifndef LONGSHORE_NATIVE_CORE_WRITE_RUN_H_
#define LONGSHORE_NATIVE_CORE_WRITE_RUN_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "native/core/chunk_hasher.h"
#include "native/core/outcome.h"
#include "native/core/posix_file.h"

// Records of Intake, which guards them.

namespace longshore {

// A write under way. It settles when it is both on disk (as far as pwrite goes) and hashed, and all
// writes of its run before it have settled.
struct WriteOp {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::vector<Span> segments;   // the caller's memory, ours until `done` is called
  std::optional<uint32_t> crc;  // that it came with
  PartCrcs crcs;                // that it has; made before it is hashed
  Done<Nothing> done;
  uint64_t epoch = 0;

  bool checked = false;    // its CRC was right
  bool left_disk = false;  // the disk's part is over, well or not
  bool hashing = false;
  bool hashed = false;
  std::exception_ptr failure;

  HashedChunks chunks;     // completed by this write
  ChunkHasherState after;  // the frontier's, once this write is hashed
};

// Writes that follow each other without a gap.
struct WriteRun {
  WriteRun(uint64_t start, bool is_frontier)
      : frontier(is_frontier), next(start), hasher(start, is_frontier) {}

  const bool frontier;  // whether it also makes the digest of the whole
  uint64_t next;        // where it goes on
  ChunkHasher hasher;
  std::deque<std::shared_ptr<WriteOp>> ops;  // not settled, in order
  size_t hashed = 0;                         // how many of `ops`, from the front
  bool busy = false;                         // somebody works on `hasher`
  bool failing = false;  // one of `ops` failed; nothing joins until all have left
  bool ended = false;    // its last chunk was written over: nothing continues it
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_WRITE_RUN_H_
