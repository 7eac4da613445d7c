#ifndef LONGSHORE_NATIVE_CORE_PUBLISH_H_
#define LONGSHORE_NATIVE_CORE_PUBLISH_H_

#include <string>

#include "native/core/content.h"

namespace longshore {

struct BlobPaths {
  std::string content;
  std::string manifest;
};

// Gives a finished content its final name. In this order, each step done before the next:
//   1. fsync the content at `from`
//   2. write the manifest beside it, as `manifest_from`, and fsync it
//   3. make the folder of the final names, if need be, and fsync its parent
//   4. rename the manifest
//   5. rename the content: this is the claim, and whoever sees it finds the manifest
//   6. fsync the folder of the final names
//   7. fsync the folder that both came from
// After a crash between any two of them the content is either whole under its final name with its
// manifest, or still at `from`; a manifest without a content may be left and is harmless.
void Publish(int fd, const std::string& from, const std::string& manifest_from,
             const Content& content, const BlobPaths& to);

// Stores a small content that lies in memory: temporary files beside the final names, then as
// Publish.
Content WriteBlob(const void* data, size_t bytes, const BlobPaths& to);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_PUBLISH_H_
