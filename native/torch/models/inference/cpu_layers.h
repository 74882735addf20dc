#pragma once

#include "torch/models/inference/folded_layers.h"

namespace torchgraft {

// Layers on the CPU, in float or bf16: made anew for each state of the model.
class CpuLayers final : public FoldedLayers {
 public:
  explicit CpuLayers(at::ScalarType type) : type_(type) {}

  std::shared_ptr<const FoldedConv> Conv(const std::string& name, const at::Tensor& weight,
                                         const at::Tensor& bias,
                                         const ConvGeometry& geometry) override;
  std::shared_ptr<const FoldedExcitation> Excitation(const std::string& name,
                                                     const ExcitationWeights& weights) override;
  bool threads_take_images() const override { return true; }

 private:
  at::ScalarType type_;
};

}  // namespace torchgraft
