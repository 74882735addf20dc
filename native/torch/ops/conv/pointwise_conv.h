#pragma once

#include <torch/types.h>

#include "torch/kernels/isa/cpu_level.h"
#include "torch/ops/norm/channel_stats.h"

namespace torchgraft {

// 1×1 convolutions of channels_last images as products of matrices with a pixel a row. With
// strides, of the pixels that are met.

// By pixel_product.h, where it has loops for them. Fills in the moments of what comes out, where
// `moments` is given.
at::Tensor PackedForward(CpuLevel level, const at::Tensor& x, const at::Tensor& weight,
                         int64_t stride, BatchStats* moments = nullptr);
at::Tensor PackedDataGradient(CpuLevel level, const at::Tensor& dy, const at::Tensor& weight,
                              at::IntArrayRef x_shape, int64_t stride);

// By libtorch's own product.
at::Tensor PointwiseForward(const at::Tensor& x, const at::Tensor& weight, int64_t stride);

at::Tensor PointwiseDataGradient(const at::Tensor& dy, const at::Tensor& weight,
                                 at::IntArrayRef x_shape, int64_t stride);

// As the weight lies in memory.
at::Tensor PointwiseWeightGradient(const at::Tensor& x, const at::Tensor& dy,
                                   const at::Tensor& weight, int64_t stride);

// The same by pointwise_gradient.h's loops, where it has some.
at::Tensor PackedWeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                                const at::Tensor& weight, int64_t stride);

}  // namespace torchgraft
