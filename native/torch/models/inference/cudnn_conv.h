#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "torch/models/inference/folded_layers.h"

namespace torchgraft {

// Convolutions with what follows them in the same pass over the output. They throw c10::Error where
// there is none for a layer.
struct FusedConvOperators {
  // relu(conv(x) + bias)
  std::function<at::Tensor(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           const ConvGeometry& geometry)>
      relu;
  // relu(conv(x) + residual + bias)
  std::function<at::Tensor(const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& residual, const at::Tensor& bias,
                           const ConvGeometry& geometry)>
      add_relu;
};

// cuDNN's, which libtorch has no others to offer beside on a CUDA device.
FusedConvOperators CudnnOperators();

}  // namespace torchgraft
