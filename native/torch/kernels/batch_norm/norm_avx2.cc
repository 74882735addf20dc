#if defined(__x86_64__)

#include "torch/kernels/batch_norm/norm_body.h"

namespace torchgraft {

NormKernels Avx2NormKernels(bool bf16) { return Kernels(bf16); }

}  // namespace torchgraft

#endif
