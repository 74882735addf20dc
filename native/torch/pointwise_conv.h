#pragma once

#include <torch/types.h>

#include "kernels/cpu_level.h"

namespace torchgraft {

// 1×1 convolutions of channels_last pictures as products of matrices with a pixel a row. With
// strides, of the pixels that are met.

at::Tensor PointwiseForward(const at::Tensor& x, const at::Tensor& weight, int64_t stride);

at::Tensor PointwiseDataGradient(const at::Tensor& dy, const at::Tensor& weight,
                                 at::IntArrayRef x_shape, int64_t stride);

// As the weight lies in memory.
at::Tensor PointwiseWeightGradient(const at::Tensor& x, const at::Tensor& dy,
                                   const at::Tensor& weight, int64_t stride);

// The same by pointwise_gradient.h's loops, where it has some.
at::Tensor PointwiseDirectWeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                                         const at::Tensor& weight, int64_t stride);

}  // namespace torchgraft
