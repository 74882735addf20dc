#include "torch/kernels/sample/sample.h"

#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

SampleRows BestSampleRows() {
#if defined(__x86_64__)
  if (BestCpuLevel() >= CpuLevel::kAvx512) return SampleRowsAvx512;
  if (BestCpuLevel() >= CpuLevel::kAvx2) return SampleRowsAvx2;
#endif
  return SampleRowsScalar;
}

}  // namespace torchgraft
