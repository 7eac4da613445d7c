#ifndef LONGSHORE_NATIVE_CORE_HASH_IN_PARALLEL_H_
#define LONGSHORE_NATIVE_CORE_HASH_IN_PARALLEL_H_

#include <cstddef>
#include <cstdint>
#include <functional>

#include "native/core/chunk_hasher.h"

namespace longshore {

// Everything that is known of some content by its bytes alone.
struct ContentDigests {
  uint64_t bytes = 0;
  uint32_t crc32c = 0;
  Digest sha256{};
  HashedChunks chunks;
};

// Fills `into` with up to `bytes` bytes of content at `offset` and returns how many it gave; fewer
// than asked for means that the content ends there. May throw.
using ReadContent = std::function<size_t(uint64_t offset, uint8_t* into, size_t bytes)>;

// Hashes content on two threads, in the time that the SHA-256 of the whole takes alone: the
// calling thread reads it in order, a chunk at a time, and makes the digests of the chunks, sixteen
// at once; a thread of its own follows with the digest of the whole. What `read` throws comes out
// of here. Holds up to 32 MiB of content in memory.
ContentDigests HashInParallel(const ReadContent& read);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_HASH_IN_PARALLEL_H_
