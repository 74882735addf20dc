#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "torch/models/inference/folded_layers.h"

namespace torchgraft {

// Squeeze and excitation on the CPU: each image's means, both small layers and the weighing in
// one call, since as libtorch's operators they cost more in being called than in computing. Between
// the two passes over an image everything is in float.
class CpuExcitation final : public FoldedExcitation {
 public:
  explicit CpuExcitation(const ExcitationWeights& weights);

  // x is channels_last, float32 or bfloat16.
  void Weigh(at::Tensor& x) const override;

 private:
  // From an image's means to what weighs its channels.
  void Weights(const double* means, float* squeezed, float* weights) const;

  int64_t channels_;
  int64_t squeezed_;
  // Inputs × outputs, so that a row of outputs is added to at a time.
  std::vector<float> fc1_weight_;
  std::vector<float> fc1_bias_;
  std::vector<float> fc2_weight_;
  std::vector<float> fc2_bias_;
};

}  // namespace torchgraft
