#include "torch/kernels/conv1x1/pointwise.h"

#if defined(__AVX512F__)

#include "torch/kernels/conv1x1/pointwise_body.h"
#include "torch/kernels/isa/lanes_avx512.h"

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx512() { return KernelOf<FloatLanes16, float>(); }

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx512() { return nullptr; }

}  // namespace torchgraft

#endif
