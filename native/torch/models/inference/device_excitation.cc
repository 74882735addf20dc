#include "torch/models/inference/device_excitation.h"

#include <ATen/Functions.h>

namespace torchgraft {

namespace {

// A copy, never the model's own tensor.
at::Tensor As(at::ScalarType type, const at::Tensor& tensor) {
  return tensor.to(type, /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace

DeviceExcitation::DeviceExcitation(const ExcitationWeights& weights, at::ScalarType type)
    : weights_{.fc1_weight = As(type, weights.fc1_weight),
               .fc1_bias = As(type, weights.fc1_bias),
               .fc2_weight = As(type, weights.fc2_weight),
               .fc2_bias = As(type, weights.fc2_bias)} {}

void DeviceExcitation::Refold(const ExcitationWeights& weights) {
  weights_.fc1_weight.copy_(weights.fc1_weight);
  weights_.fc1_bias.copy_(weights.fc1_bias);
  weights_.fc2_weight.copy_(weights.fc2_weight);
  weights_.fc2_bias.copy_(weights.fc2_bias);
}

void DeviceExcitation::Weigh(at::Tensor& x) const {
  const auto& [fc1_weight, fc1_bias, fc2_weight, fc2_bias] = weights_;
  const auto squeezed = at::_addmm_activation(fc1_bias, x.mean({2, 3}), fc1_weight.t());  // ReLU
  const auto weights = at::addmm(fc2_bias, squeezed, fc2_weight.t()).sigmoid_();
  x.mul_(weights.view({x.size(0), x.size(1), 1, 1}));
}

}  // namespace torchgraft
