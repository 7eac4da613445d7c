#ifndef LONGSHORE_NATIVE_CORE_SHA256_DISPATCH_H_
#define LONGSHORE_NATIVE_CORE_SHA256_DISPATCH_H_

#include <cstddef>

#include "native/core/sha256_kernels.h"

namespace longshore {

// A kernel for several streams at once. `lanes` is 0 where there is none.
struct Sha256Lanes {
  size_t lanes;
  size_t worthwhile;  // from so many messages it is quicker than the next narrower way
  Sha256LanesKernel blocks;
};

// All that one implementation is made of.
struct Sha256KernelSet {
  const char* name;
  void (*blocks)(Sha256State* state, const uint8_t* data, size_t blocks);
  void (*pair)(Sha256State* a, Sha256State* b, const uint8_t* data, size_t blocks);
  Sha256Lanes narrow;
  Sha256Lanes wide;
};

// The set in use. Chosen, after its known answers were checked, at the first call.
const Sha256KernelSet& Sha256Kernels();

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_SHA256_DISPATCH_H_
