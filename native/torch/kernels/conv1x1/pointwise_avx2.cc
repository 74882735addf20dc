#include "torch/kernels/conv1x1/pointwise.h"

#if defined(__AVX2__)

#include "torch/kernels/conv1x1/pointwise_body.h"
#include "torch/kernels/isa/lanes_avx2.h"

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx2() { return KernelOf<FloatLanes8, float>(); }

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx2() { return nullptr; }

}  // namespace torchgraft

#endif
