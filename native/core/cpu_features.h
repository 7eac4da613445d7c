#ifndef LONGSHORE_NATIVE_CORE_CPU_FEATURES_H_
#define LONGSHORE_NATIVE_CORE_CPU_FEATURES_H_

namespace longshore {

// What both the CPU and the operating system (which must save the registers) allow.
struct CpuFeatures {
  bool sse42 = false;       // with SSSE3, SSE4.1 and PCLMULQDQ
  bool shani = false;       // with SSSE3 and SSE4.1
  bool avx512 = false;      // F, BW, VL
  bool vpclmulqdq = false;  // with AVX-512 F, BW, VL
  bool arm_sha2 = false;
  bool arm_crc32 = false;
};

// Asked of the CPU once.
const CpuFeatures& ThisCpu();

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_CPU_FEATURES_H_
