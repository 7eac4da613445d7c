#ifndef LONGSHORE_NATIVE_CORE_SHA256_KERNELS_H_
#define LONGSHORE_NATIVE_CORE_SHA256_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "native/core/sha256.h"

// The kernels behind sha256.h, one file per instruction set. Only the dispatcher and its tests
// call them. Those files are compiled with flags that the rest is not, so they take in nothing that
// has inline functions (no standard library beyond these two headers): the linker may keep one
// copy of an inline function for everybody, and it could be the one that not every CPU can run.

namespace longshore {

extern const uint32_t kSha256Rounds[64];

// Most streams that any kernel takes at once.
constexpr size_t kSha256LanesMax = 16;

// Advances states[i] over `blocks` blocks at data[i], for every lane of the kernel.
using Sha256LanesKernel = void (*)(Sha256State* states, const uint8_t* const* data, size_t blocks);

void Sha256BlocksPortable(Sha256State* state, const uint8_t* data, size_t blocks);
void Sha256BlocksPairPortable(Sha256State* a, Sha256State* b, const uint8_t* data, size_t blocks);

void Sha256BlocksShani(Sha256State* state, const uint8_t* data, size_t blocks);
void Sha256BlocksPairShani(Sha256State* a, Sha256State* b, const uint8_t* data, size_t blocks);
void Sha256Blocks4Shani(Sha256State* states, const uint8_t* const* data, size_t blocks);

void Sha256Blocks16Avx512(Sha256State* states, const uint8_t* const* data, size_t blocks);

void Sha256BlocksArmv8(Sha256State* state, const uint8_t* data, size_t blocks);
void Sha256BlocksPairArmv8(Sha256State* a, Sha256State* b, const uint8_t* data, size_t blocks);
void Sha256Blocks4Armv8(Sha256State* states, const uint8_t* const* data, size_t blocks);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_SHA256_KERNELS_H_
