#pragma once

#include <torch/types.h>

#include "torch/kernels/isa/cpu_level.h"
#include "torch/ops/norm/channel_stats.h"

namespace torchgraft {

// 1×1 convolutions of channels_last images as products of matrices with a pixel a row: with a
// stride, of every `stride`th pixel in both directions.

// By PackedGemm, where it has a kernel for them. Fills in the moments of the outputs, where
// `moments` is given.
at::Tensor PackedForward(CpuLevel level, const at::Tensor& x, const at::Tensor& weight,
                         int64_t stride, BatchStats* moments = nullptr);
at::Tensor PackedDataGradient(CpuLevel level, const at::Tensor& dy, const at::Tensor& weight,
                              at::IntArrayRef x_shape, int64_t stride);

// By libtorch's matrix product, at::mm.
at::Tensor PointwiseForward(const at::Tensor& x, const at::Tensor& weight, int64_t stride);

at::Tensor PointwiseDataGradient(const at::Tensor& dy, const at::Tensor& weight,
                                 at::IntArrayRef x_shape, int64_t stride);

// In the weight's layout.
at::Tensor PointwiseWeightGradient(const at::Tensor& x, const at::Tensor& dy,
                                   const at::Tensor& weight, int64_t stride);

// The same by our kernels (pointwise_weight_grad.h), where they take it.
at::Tensor PackedWeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                                const at::Tensor& weight, int64_t stride);

}  // namespace torchgraft
