#include "native/core/cpu_features.h"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace longshore {

namespace {

#if defined(__x86_64__)

// Bits of CPUID leaves 1 and 7 and of XCR0: Intel SDM, volume 2 (CPUID) and volume 1, chapter 13.
constexpr uint32_t kPclmulqdq = 1U << 1;
constexpr uint32_t kSsse3 = 1U << 9;
constexpr uint32_t kSse41 = 1U << 19;
constexpr uint32_t kSse42 = 1U << 20;
constexpr uint32_t kOsxsave = 1U << 27;
constexpr uint32_t kAvx512f = 1U << 16;
constexpr uint32_t kSha = 1U << 29;
constexpr uint32_t kAvx512bw = 1U << 30;
constexpr uint32_t kAvx512vl = 1U << 31;
constexpr uint32_t kVpclmulqdq = 1U << 10;
constexpr uint32_t kZmmSaved = 0xe6;  // XMM, YMM, opmask and both halves of ZMM

bool Has(uint32_t value, uint32_t bits) { return (value & bits) == bits; }

uint32_t SavedRegisters() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

CpuFeatures Detect() {
  CpuFeatures features;
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx1 = 0;
  uint32_t edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx1, &edx) == 0) return features;
  const bool sse41 = Has(ecx1, kSsse3 | kSse41);
  features.sse42 = sse41 && Has(ecx1, kSse42 | kPclmulqdq);
  uint32_t ebx7 = 0;
  uint32_t ecx7 = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx7, &ecx7, &edx) == 0) return features;
  features.shani = sse41 && Has(ebx7, kSha);
  const bool zmm = Has(ecx1, kOsxsave) && Has(SavedRegisters(), kZmmSaved);
  features.avx512 = zmm && Has(ebx7, kAvx512f | kAvx512bw | kAvx512vl);
  features.vpclmulqdq = features.avx512 && features.sse42 && Has(ecx7, kVpclmulqdq);
  return features;
}

#elif defined(__aarch64__) && defined(__linux__)

CpuFeatures Detect() {
  CpuFeatures features;
  const unsigned long capabilities = getauxval(AT_HWCAP);
  features.arm_sha2 = (capabilities & HWCAP_SHA2) != 0;
  features.arm_crc32 = (capabilities & HWCAP_CRC32) != 0;
  return features;
}

#elif defined(__aarch64__) && defined(__APPLE__)

// Every Apple CPU that runs macOS on arm64 has both.
CpuFeatures Detect() {
  CpuFeatures features;
  features.arm_sha2 = true;
  features.arm_crc32 = true;
  return features;
}

#else

CpuFeatures Detect() { return {}; }

#endif

}  // namespace

const CpuFeatures& ThisCpu() {
  static const CpuFeatures features = Detect();
  return features;
}

}  // namespace longshore
