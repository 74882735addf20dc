#include "cpu_level.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace torchgraft {

namespace {

CpuLevel OfProcessor() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return CpuLevel::kPlain;
  for (const bool has : {__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"),
                         __builtin_cpu_supports("avx512dq"), __builtin_cpu_supports("avx512vl")}) {
    if (!has) return CpuLevel::kAvx2;
  }
  return __builtin_cpu_supports("avx512bf16") ? CpuLevel::kAvx512Bf16 : CpuLevel::kAvx512;
#else
  return CpuLevel::kPlain;
#endif
}

CpuLevel Allowed() {
  const char* const asked = std::getenv("ATEN_CPU_CAPABILITY");
  const std::string_view name = asked == nullptr ? "" : asked;
  if (name == "default") return CpuLevel::kPlain;
  return name == "avx2" ? CpuLevel::kAvx2 : CpuLevel::kAvx512Bf16;
}

}  // namespace

CpuLevel BestCpuLevel() {
  static const CpuLevel level = std::min(OfProcessor(), Allowed());
  return level;
}

}  // namespace torchgraft
