#include "torch/kernels/conv1x1/pointwise.h"

#if defined(__AVX512BF16__)

#include "torch/kernels/conv1x1/pointwise_body.h"
#include "torch/kernels/isa/lanes_avx512_bf16.h"

namespace torchgraft {

const PointwiseKernel<uint16_t>* PointwiseAvx512Bf16() { return KernelOf<PairLanes16, uint16_t>(); }

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseKernel<uint16_t>* PointwiseAvx512Bf16() { return nullptr; }

}  // namespace torchgraft

#endif
