#ifndef LONGSHORE_NATIVE_NODE_CHECKSUMS_H_
#define LONGSHORE_NATIVE_NODE_CHECKSUMS_H_

#include "native/node/napi_setup.h"

// The functions of src/native/binding.ts that answer at once.

namespace longshore {

// crc32c(content, seed)
Napi::Value Crc32cNow(const Napi::CallbackInfo& info);
// crc32cCombine(first, second, secondBytes)
Napi::Value Crc32cCombineNow(const Napi::CallbackInfo& info);
// sha256Implementation()
Napi::Value Sha256ImplementationNow(const Napi::CallbackInfo& info);
// forceSha256(name)
Napi::Value ForceSha256Now(const Napi::CallbackInfo& info);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_NODE_CHECKSUMS_H_
