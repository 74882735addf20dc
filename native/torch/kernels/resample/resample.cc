#include "torch/kernels/resample/resample.h"

#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

SnapRows BestSnapRows() {
#if defined(__x86_64__)
  if (BestCpuLevel() >= CpuLevel::kAvx512) return SnapRowsAvx512;
  if (BestCpuLevel() >= CpuLevel::kAvx2) return SnapRowsAvx2;
#endif
  return SnapRowsPlain;
}

}  // namespace torchgraft
