#pragma once

#include <ATen/core/Tensor.h>

#include "torch/cuda/layers/layer_kernels.h"

namespace torchgraft {

// Squeeze-and-excitation in two passes over x forward and two backward: x ·
// sigmoid(fc2(relu(fc1(mean of x over its pixels)))). For what CanFuseNorm
// of this device's kernels, or of the CPU where there are none; the weights of both layers in
// float.
at::Tensor FusedExcitation(const at::Tensor& x, const at::Tensor& fc1_weight,
                           const at::Tensor& fc1_bias, const at::Tensor& fc2_weight,
                           const at::Tensor& fc2_bias, const LayerKernels* device = nullptr);

}  // namespace torchgraft
