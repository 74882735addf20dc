#pragma once

#include <torch/types.h>

#include "kernels/cpu_level.h"

namespace torchgraft {

// The product that is the weight gradient of a 1×1 convolution, by loops of our own.

// Whether there are any.
bool HasPointwiseGradient(CpuLevel level, at::ScalarType type, int64_t in, int64_t out);

// Of x [pixels][in] and dy [pixels][out], dyᵀ · x into [out][in]; all contiguous.
void PointwiseGradientInto(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                           const at::Tensor& dweight);

}  // namespace torchgraft
