#include "native/node/allocator.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace longshore {

Napi::Value KeepFreedMemory(const Napi::CallbackInfo& info) {
#ifdef __GLIBC__
  constexpr int kTrimBytes = 256 << 20;
  constexpr int kTopPadBytes = 16 << 20;
  constexpr int kMmapBytes = 32 << 20;  // the most that glibc takes on 64-bit machines
  // glibc takes its allocator's lock in there (its manual names only the first call as a race).
  // NOLINTBEGIN(concurrency-mt-unsafe)
  const bool kept = mallopt(M_TRIM_THRESHOLD, kTrimBytes) == 1 &&
                    mallopt(M_TOP_PAD, kTopPadBytes) == 1 &&
                    mallopt(M_MMAP_THRESHOLD, kMmapBytes) == 1;
  // NOLINTEND(concurrency-mt-unsafe)
#else
  const bool kept = false;
#endif
  return Napi::Boolean::New(info.Env(), kept);
}

}  // namespace longshore
