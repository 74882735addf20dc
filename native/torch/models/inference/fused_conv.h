#pragma once

#include <ATen/core/Tensor.h>

#include "torch/models/inference/folded_layers.h"

namespace torchgraft {

// A convolution with its bias, a sum and ReLU in the same pass:
// libtorch's own operators on oneDNN, for float and bf16 on the CPU, channels_last, without
// gradients.
class FusedConv {
 public:
  // `weight` and `bias` in double. The weight is laid out once, as oneDNN wants it. Throws
  // c10::Error where this libtorch or this processor has no such operators.
  FusedConv(const at::Tensor& weight, const at::Tensor& bias, const ConvGeometry& geometry,
            at::ScalarType type);

  at::Tensor Run(const at::Tensor& x, bool relu) const;

  // relu(conv(x) + residual)
  at::Tensor RunResidual(const at::Tensor& x, const at::Tensor& residual) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  ConvGeometry geometry_;
};

}  // namespace torchgraft
