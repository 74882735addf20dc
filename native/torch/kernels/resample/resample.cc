#include "torch/kernels/resample/resample.h"

#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

ResampleRows BestResampleRows() {
#if defined(__x86_64__)
  if (BestCpuLevel() >= CpuLevel::kAvx512) return ResampleRowsAvx512;
  if (BestCpuLevel() >= CpuLevel::kAvx2) return ResampleRowsAvx2;
#endif
  return ResampleRowsScalar;
}

}  // namespace torchgraft
