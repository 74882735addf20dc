#include "pointwise.h"

#if defined(__AVX512F__)

#include "lanes_avx512.h"
#include "pointwise_body.h"

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx512() { return KernelOf<FloatLanes16, float>(); }

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx512() { return nullptr; }

}  // namespace torchgraft

#endif
