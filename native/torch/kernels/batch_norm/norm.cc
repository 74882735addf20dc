#include "torch/kernels/batch_norm/norm.h"

namespace torchgraft {

NormKernels BestNormKernels(bool bf16) {
#if defined(__x86_64__)
  switch (BestCpuLevel()) {
    case CpuLevel::kAvx512Bf16:
    case CpuLevel::kAmx:
      return Avx512Bf16NormKernels(bf16);
    case CpuLevel::kAvx512:
      return Avx512NormKernels(bf16);
    case CpuLevel::kAvx2:
      return Avx2NormKernels(bf16);
    case CpuLevel::kScalar:
      break;
  }
#endif
  return ScalarNormKernels(bf16);
}

}  // namespace torchgraft
