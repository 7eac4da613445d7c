#ifndef LONGSHORE_NATIVE_CORE_CRC32C_H_
#define LONGSHORE_NATIVE_CORE_CRC32C_H_

#include <cstddef>
#include <cstdint>

// CRC32C (Castagnoli, RFC 3720 section 12.1): the CRC of iSCSI, ext4 and Google's storage APIs.
// Every function may be called from any thread, except Crc32cForce (start of the process, tests).

namespace longshore {

// Carries `crc` on over `bytes` more bytes: Crc32c(Crc32c(0, a), b) is the CRC of a followed by b.
// The CRC of nothing is 0.
uint32_t Crc32c(uint32_t crc, const void* data, size_t bytes);

// CRC of A followed by B, from the CRC of each and the length of B.
uint32_t Crc32cCombine(uint32_t a, uint32_t b, uint64_t bytes_b);

// "avx512", "sse42", "armv8" or "portable".
const char* Crc32cImplementation();

// As Sha256Force.
bool Crc32cForce(const char* name);

// As Sha256Rejected.
const char* Crc32cRejected();

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_CRC32C_H_
