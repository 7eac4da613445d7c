#ifndef LONGSHORE_NATIVE_NODE_BLOB_JOBS_H_
#define LONGSHORE_NATIVE_NODE_BLOB_JOBS_H_

#include "native/node/napi_setup.h"

// The functions of src/native/binding.ts that take a stored or a whole content.

namespace longshore {

// verifyBlob(contentPath, manifestPath, whole, bytesPerSecondMax)
Napi::Value VerifyBlobJob(const Napi::CallbackInfo& info);
// readManifest(path)
Napi::Value ReadManifestJob(const Napi::CallbackInfo& info);
// writeBlob(path, manifestPath, content)
Napi::Value WriteBlobJob(const Napi::CallbackInfo& info);
// hashContent(content)
Napi::Value HashContentJob(const Napi::CallbackInfo& info);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_NODE_BLOB_JOBS_H_
