#pragma once

#include "native/node/napi_setup.h"

namespace longshore {

/// keepFreedMemory(): from now on the process keeps memory that was freed instead of giving it back
/// at once; whether it could.
///
/// Node reads sockets into a new buffer of 64 KiB each time and frees them in heaps of many MiB
/// when it collects garbage. glibc gives the top of its heap back beyond 128 KiB (mallopt(3),
/// M_TRIM_THRESHOLD), so that every page of an upload is asked of the kernel, cleared and faulted
/// in anew: half of the event loop's time.
Napi::Value KeepFreedMemory(const Napi::CallbackInfo& info);

}  // namespace longshore
