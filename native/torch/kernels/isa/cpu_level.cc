#include "torch/kernels/isa/cpu_level.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#if defined(__linux__) && defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace torchgraft {

namespace {

#if defined(__x86_64__)
// Linux gives a process tiles when it asks for them, once.
bool HasTiles() {
#if defined(__linux__)
  // clang before 19 does not know their names for __builtin_cpu_supports.
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(/*leaf=*/7, /*subleaf=*/0, &a, &b, &c, &d)) return false;
  constexpr unsigned kBf16 = 1u << 22;
  constexpr unsigned kTile = 1u << 24;
  if ((d & kBf16) == 0 || (d & kTile) == 0) return false;
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

CpuLevel ReadCpuLevel() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return CpuLevel::kScalar;
  for (const bool has : {__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"),
                         __builtin_cpu_supports("avx512dq"), __builtin_cpu_supports("avx512vl")}) {
    if (!has) return CpuLevel::kAvx2;
  }
  if (!__builtin_cpu_supports("avx512bf16")) return CpuLevel::kAvx512;
  return HasTiles() ? CpuLevel::kAmx : CpuLevel::kAvx512Bf16;
#else
  return CpuLevel::kScalar;
#endif
}

CpuLevel DetectCpuLevel() {
  static const CpuLevel level = ReadCpuLevel();
  return level;
}

// The highest that the user allows.
CpuLevel CpuLevelFromEnv() {
  const char* const asked = std::getenv("ATEN_CPU_CAPABILITY");
  const std::string_view name = asked == nullptr ? "" : asked;
  if (name == "default") return CpuLevel::kScalar;
  if (name == "avx2") return CpuLevel::kAvx2;
  return name == "avx512" ? CpuLevel::kAvx512Bf16 : CpuLevel::kAmx;
}

}  // namespace

const char* CpuLevelName(CpuLevel level) {
  constexpr const char* kNames[kCpuLevels] = {"scalar", "avx2", "avx512", "avx512_bf16", "amx"};
  return kNames[static_cast<int>(level)];
}

CpuLevel BestCpuLevel() {
  static const CpuLevel level = std::min(DetectCpuLevel(), CpuLevelFromEnv());
  return level;
}

bool HasAmx() { return DetectCpuLevel() == CpuLevel::kAmx; }

}  // namespace torchgraft
