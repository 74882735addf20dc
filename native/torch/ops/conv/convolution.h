#pragma once

#include <torch/types.h>

#include "torch/ops/norm/channel_stats.h"

namespace torchgraft {

// at::conv2d of images [n, channels, h, w] with a square kernel, by whichever algorithm is the
// fastest for the shape, the type and the processor (conv_algorithm.h), forward and in both
// gradients. What no table knows goes to libtorch. Casts as autocast would. Its gradients have no
// gradients of their own.
// Where `moments` is given, fills in those of what comes out if the algorithm takes them on its
// way.
at::Tensor Convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    int64_t stride, int64_t padding, int64_t groups, BatchStats* moments = nullptr);

}  // namespace torchgraft
