#pragma once

#include <ATen/core/Tensor.h>

namespace torchgraft {

// Squeeze-and-excitation in two passes over x forward and two backward: x ·
// sigmoid(fc2(relu(fc1(mean of x over its pixels)))). For what CanFuseNorm; the weights of both
// layers in float.
at::Tensor FusedExcitation(const at::Tensor& x, const at::Tensor& fc1_weight,
                           const at::Tensor& fc1_bias, const at::Tensor& fc2_weight,
                           const at::Tensor& fc2_bias);

}  // namespace torchgraft
