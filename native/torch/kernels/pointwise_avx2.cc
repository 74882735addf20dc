#include "pointwise.h"

#if defined(__AVX2__)

#include "lanes_avx2.h"
#include "pointwise_body.h"

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx2() { return KernelOf<FloatLanes8, float>(); }

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx2() { return nullptr; }

}  // namespace torchgraft

#endif
