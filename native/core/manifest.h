#ifndef LONGSHORE_NATIVE_CORE_MANIFEST_H_
#define LONGSHORE_NATIVE_CORE_MANIFEST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "native/core/content.h"

// The file beside every blob that says what each of its chunks and blocks must be. The bytes are
// described in docs/formats.md.

namespace longshore {

std::vector<uint8_t> EncodeManifest(const Content& content);

// Throws StorageError MANIFEST_INVALID for anything that EncodeManifest would not have written.
// `name` is for the message.
Content ParseManifest(const uint8_t* data, size_t bytes, const std::string& name);

// As ParseManifest; std::system_error when the file cannot be read.
Content ReadManifest(const std::string& path);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_MANIFEST_H_
