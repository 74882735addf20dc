#include "pointwise.h"

#if defined(__AVX512BF16__)

#include "lanes_avx512_bf16.h"
#include "pointwise_body.h"

namespace torchgraft {

const PointwiseKernel<uint16_t>* PointwiseAvx512Bf16() { return KernelOf<PairLanes16, uint16_t>(); }

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseKernel<uint16_t>* PointwiseAvx512Bf16() { return nullptr; }

}  // namespace torchgraft

#endif
