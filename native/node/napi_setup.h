#ifndef LONGSHORE_NATIVE_NODE_NAPI_SETUP_H_
#define LONGSHORE_NATIVE_NODE_NAPI_SETUP_H_

// The only place that takes in Node's headers, so that these settings hold everywhere. Node-API 8
// is what Node 20, 22 and 24 share: one build serves them all.
#ifndef NAPI_VERSION
#define NAPI_VERSION 8
#endif
#ifndef NAPI_CPP_EXCEPTIONS
#define NAPI_CPP_EXCEPTIONS
#endif
#include <napi.h>

#endif  // LONGSHORE_NATIVE_NODE_NAPI_SETUP_H_
