#ifndef LONGSHORE_NATIVE_CORE_CRC32C_KERNELS_H_
#define LONGSHORE_NATIVE_CORE_CRC32C_KERNELS_H_

#include <cstddef>
#include <cstdint>

// The kernels behind crc32c.h; the rule of sha256_kernels.h for their files holds here too.
// They work on the raw register: no inversion before or after.

namespace longshore {

uint32_t Crc32cPortable(uint32_t reg, const uint8_t* data, size_t bytes);
uint32_t Crc32cSse42(uint32_t reg, const uint8_t* data, size_t bytes);
uint32_t Crc32cAvx512(uint32_t reg, const uint8_t* data, size_t bytes);
uint32_t Crc32cArmv8(uint32_t reg, const uint8_t* data, size_t bytes);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_CRC32C_KERNELS_H_
