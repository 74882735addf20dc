#pragma once

#include <ATen/core/Tensor.h>

#include "torch/models/inference/folded_layers.h"

namespace torchgraft {

// Squeeze and excitation on a GPU, by libtorch's operators, in the type of the activations.
class DeviceExcitation final : public FoldedExcitation {
 public:
  DeviceExcitation(const ExcitationWeights& weights, at::ScalarType type);

  // Other weights at the same addresses, which CUDA graphs have captured.
  void Refold(const ExcitationWeights& weights);

  void Weigh(at::Tensor& x) const override;

 private:
  ExcitationWeights weights_;
};

}  // namespace torchgraft
