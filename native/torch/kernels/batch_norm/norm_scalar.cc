#include "torch/kernels/batch_norm/norm_body.h"

namespace torchgraft {

NormKernels ScalarNormKernels(bool bf16) { return Kernels(bf16); }

}  // namespace torchgraft
