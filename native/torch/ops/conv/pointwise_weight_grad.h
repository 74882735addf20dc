#pragma once

#include <torch/types.h>

#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

// The weight gradient of a 1×1 convolution, dyᵀ · x over pixels, by our kernels
// (kernels/conv1x1/weight_grad).

// Whether there is one: in float32 or, with AMX, bfloat16.
bool HasPointwiseGradient(CpuLevel level, at::ScalarType type, int64_t in, int64_t out);

// Of x [n, in, h, w], of which every `stride`th pixel in both directions is read, and dy
// [n, out, …], both channels_last, into dweight [out, in], contiguous.
void PointwiseGradientInto(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                           int64_t stride, const at::Tensor& dweight);

}  // namespace torchgraft
