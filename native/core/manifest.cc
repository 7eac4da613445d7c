#include "native/core/manifest.h"

#include <algorithm>

#include "native/core/byte_coding.h"
#include "native/core/crc32c.h"
#include "native/core/posix_file.h"
#include "native/core/storage_error.h"

namespace longshore {

namespace {

constexpr char kMagic[] = {'L', 'S', 'M', 'A', 'N', 'I', '\r', '\n'};
constexpr uint32_t kVersion = 1;
constexpr size_t kHeadBytes = sizeof(kMagic) + 4 + 4 + 4 + 8 + kSha256DigestBytes + 4;
constexpr size_t kCrcBytes = 4;
// JavaScript counts bytes exactly up to here.
constexpr uint64_t kSizeMax = (uint64_t{1} << 53) - 1;
constexpr size_t kManifestBytesMax = size_t{4} << 30;  // that of a content of 42 TiB

// 0 when the size cannot be one that we wrote.
uint64_t ManifestBytes(uint64_t size) {
  if (size > kSizeMax) return 0;
  return kHeadBytes + ChunksIn(size) * kSha256DigestBytes + BlocksIn(size) * 4 + kCrcBytes;
}

uint32_t CombinedCrc(const Content& content) {
  uint32_t crc = 0;
  uint64_t left = content.size;
  for (const uint32_t block : content.block_crcs) {
    const uint64_t bytes = std::min<uint64_t>(left, kBlockBytes);
    crc = Crc32cCombine(crc, block, bytes);
    left -= bytes;
  }
  return crc;
}

// Up to one chunk, the digest of the whole and the digest of the chunk are the same.
Digest OnlyDigest(const Content& content) {
  if (!content.chunk_digests.empty()) return content.chunk_digests.front();
  Digest of_nothing;
  Sha256Digest(nullptr, 0, of_nothing.data());
  return of_nothing;
}

}  // namespace

std::vector<uint8_t> EncodeManifest(const Content& content) {
  std::vector<uint8_t> bytes;
  bytes.reserve(static_cast<size_t>(ManifestBytes(content.size)));
  PutBytes(bytes, kMagic, sizeof(kMagic));
  Put<uint32_t>(bytes, kVersion);
  Put<uint32_t>(bytes, kChunkBytes);
  Put<uint32_t>(bytes, kBlockBytes);
  Put<uint64_t>(bytes, content.size);
  PutBytes(bytes, content.sha256.data(), content.sha256.size());
  Put<uint32_t>(bytes, content.crc32c);
  for (const Digest& digest : content.chunk_digests) PutBytes(bytes, digest.data(), digest.size());
  for (const uint32_t crc : content.block_crcs) Put<uint32_t>(bytes, crc);
  Put<uint32_t>(bytes, Crc32c(0, bytes.data(), bytes.size()));
  return bytes;
}

Content ParseManifest(const uint8_t* data, size_t bytes, const std::string& name) {
  const auto refuse = [&name](const char* reason) {
    throw StorageError("MANIFEST_INVALID", "read manifest " + name + ": " + reason);
  };
  if (bytes < kHeadBytes + kCrcBytes) refuse("it is too short");
  if (!std::equal(std::begin(kMagic), std::end(kMagic), data)) refuse("it is not a manifest");
  ByteReader reader(data + sizeof(kMagic), bytes - sizeof(kMagic));
  if (reader.Take<uint32_t>() != kVersion) refuse("its version is not known here");
  if (reader.Take<uint32_t>() != kChunkBytes) refuse("its chunk size is not ours");
  if (reader.Take<uint32_t>() != kBlockBytes) refuse("its block size is not ours");
  Content content;
  content.size = reader.Take<uint64_t>();
  if (bytes != ManifestBytes(content.size)) refuse("its length does not fit the content's size");
  if (Crc32c(0, data, bytes - kCrcBytes) !=
      ByteReader(data + bytes - kCrcBytes, kCrcBytes).Take<uint32_t>()) {
    refuse("its checksum is wrong");
  }
  reader.TakeBytes(content.sha256.data(), content.sha256.size());
  content.crc32c = reader.Take<uint32_t>();
  content.chunk_digests.resize(static_cast<size_t>(ChunksIn(content.size)));
  for (Digest& digest : content.chunk_digests) reader.TakeBytes(digest.data(), digest.size());
  content.block_crcs.resize(static_cast<size_t>(BlocksIn(content.size)));
  for (uint32_t& crc : content.block_crcs) crc = reader.Take<uint32_t>();
  if (CombinedCrc(content) != content.crc32c) refuse("its CRCs contradict each other");
  if (content.size <= kChunkBytes && content.sha256 != OnlyDigest(content)) {
    refuse("its digests contradict each other");
  }
  return content;
}

Content ReadManifest(const std::string& path) {
  const std::vector<uint8_t> bytes = ReadFile(path, kManifestBytesMax);
  return ParseManifest(bytes.data(), bytes.size(), path);
}

}  // namespace longshore
