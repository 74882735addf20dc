#include "torch/kernels/batch_norm/norm.h"

namespace torchgraft {

const NormKernels& BestNormKernels(bool bf16) {
  const NormKernelsByType& kernels = *kBatchNorm.Best(BestCpuLevel());
  return bf16 ? kernels.bf16 : kernels.fp32;
}

}  // namespace torchgraft
