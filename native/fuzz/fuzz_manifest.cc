// Whatever the manifest parser takes, it took whole: encoding it again gives the same bytes.
// Whatever it refuses, it refuses with MANIFEST_INVALID.

#include <algorithm>
#include <cstring>
#include <vector>

#include "native/core/chunk_hasher.h"
#include "native/core/content.h"
#include "native/core/crc32c.h"
#include "native/core/manifest.h"
#include "native/core/storage_error.h"
#include "native/fuzz/fuzz_target.h"

namespace longshore::fuzz {

namespace {

std::vector<uint8_t> Sample(size_t bytes) {
  const std::vector<uint8_t> data(bytes, 0x5a);
  ChunkHasher hasher(0, true);
  hasher.Update(data.data(), data.size());
  hasher.Finish();
  HashedChunks chunks = hasher.TakeChunks();
  return EncodeManifest({bytes, hasher.WholeDigest(), hasher.Crc(), std::move(chunks.digests),
                         std::move(chunks.block_crcs)});
}

void FixChecksum(std::vector<uint8_t>& manifest) {
  if (manifest.size() < 4) return;
  const uint32_t crc = Crc32c(0, manifest.data(), manifest.size() - 4);
  for (size_t i = 0; i < 4; ++i)
    manifest[manifest.size() - 4 + i] = static_cast<uint8_t>(crc >> (8 * i));
}

void Check(const std::vector<uint8_t>& bytes) {
  try {
    const Content content = ParseManifest(bytes.data(), bytes.size(), "fuzz");
    Require(EncodeManifest(content) == bytes,
            "a manifest that is taken is encoded to the same bytes");
    Require(content.chunk_digests.size() == ChunksIn(content.size), "a digest for each chunk");
    Require(content.block_crcs.size() == BlocksIn(content.size), "a CRC for each block");
  } catch (const StorageError& error) {
    Require(std::strcmp(error.code(), "MANIFEST_INVALID") == 0, "a refusal is MANIFEST_INVALID");
  }
}

}  // namespace

}  // namespace longshore::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace longshore::fuzz;
  static const std::vector<uint8_t> samples[] = {Sample(0), Sample(1), Sample(100'000),
                                                 Sample(3'000'000)};
  if (bytes == 0) return 0;
  const uint8_t choice = data[0];
  if (choice % 3 == 0) {
    Check({data + 1, data + bytes});
    return 0;
  }
  std::vector<uint8_t> manifest = Altered(samples[choice / 3 % 4], data + 1, bytes - 1);
  if (choice % 3 == 1) FixChecksum(manifest);
  Check(manifest);
  return 0;
}
