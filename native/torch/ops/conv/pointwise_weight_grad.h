#pragma once

#include <torch/types.h>

#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

// The product that is the weight gradient of a 1×1 convolution, by loops of our own.

// Whether there are any: in float32 or, with tiles, bfloat16.
bool HasPointwiseGradient(CpuLevel level, at::ScalarType type, int64_t in, int64_t out);

// Of x [n, in, h, w], of which each `stride`th pixel of both directions is met, and dy [n, out, …],
// both channels_last, into [out][in], which is contiguous.
void PointwiseGradientInto(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                           int64_t stride, const at::Tensor& dweight);

}  // namespace torchgraft
