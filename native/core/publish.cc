#include "native/core/publish.h"

#include <atomic>
#include <vector>

#include "native/core/chunk_hasher.h"
#include "native/core/manifest.h"
#include "native/core/posix_file.h"

namespace longshore {

namespace {

void WriteManifest(const std::string& path, const Content& content) {
  const std::vector<uint8_t> bytes = EncodeManifest(content);
  const UniqueFd fd = CreateFile(path);
  WriteAt(fd.get(), path, 0, {{bytes.data(), bytes.size()}});
  SyncAll(fd.get(), path);
}

Content ContentOf(const void* data, size_t bytes) {
  ChunkHasher hasher(0, true);
  hasher.Update(data, bytes);
  hasher.Finish();
  HashedChunks chunks = hasher.TakeChunks();
  return {bytes, hasher.WholeDigest(), hasher.Crc(), std::move(chunks.digests),
          std::move(chunks.block_crcs)};
}

// Unique among the processes that share the folder for as long as they live.
std::string TemporaryName(const std::string& path) {
  static std::atomic<uint64_t> count{0};
  return path + "." + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".tmp";
}

}  // namespace

void Publish(int fd, const std::string& from, const std::string& manifest_from,
             const Content& content, const BlobPaths& to) {
  SyncAll(fd, from);
  WriteManifest(manifest_from, content);
  const std::string folder = ParentOf(to.content);
  MakeFolder(folder);
  Rename(manifest_from, to.manifest);
  Rename(from, to.content);
  try {
    SyncFolder(folder);
    if (ParentOf(to.manifest) != folder) SyncFolder(ParentOf(to.manifest));
    if (ParentOf(from) != folder) SyncFolder(ParentOf(from));
  } catch (...) {
    // A name that may not last is no claim: the content goes back to where it was durable. Best
    // effort, since the failure that brought us here is the one to tell.
    ::rename(to.content.c_str(), from.c_str());
    throw;
  }
}

Content WriteBlob(const void* data, size_t bytes, const BlobPaths& to) {
  Content content = ContentOf(data, bytes);
  MakeFolder(ParentOf(to.content));
  const std::string temporary = TemporaryName(to.content);
  const std::string manifest = TemporaryName(to.manifest);
  try {
    const UniqueFd fd = CreateFile(temporary);
    WriteAt(fd.get(), temporary, 0, {{static_cast<const uint8_t*>(data), bytes}});
    Publish(fd.get(), temporary, manifest, content, to);
  } catch (...) {
    // Best effort: the failure that brought us here is the one to tell.
    ::unlink(temporary.c_str());
    ::unlink(manifest.c_str());
    throw;
  }
  return content;
}

}  // namespace longshore
