#ifndef LONGSHORE_NATIVE_NODE_JS_ERROR_H_
#define LONGSHORE_NATIVE_NODE_JS_ERROR_H_

#include <exception>

#include "native/node/napi_setup.h"

namespace longshore {

// The one place where a C++ exception becomes a JavaScript Error: `code` is the errno's name or the
// name of a StorageError, whose facts become properties.
Napi::Value ToJsError(Napi::Env env, const std::exception_ptr& failure);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_NODE_JS_ERROR_H_
