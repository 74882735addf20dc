#include "torch/models/inference/cpu_layers.h"

#include "torch/models/inference/cpu_conv.h"
#include "torch/models/inference/cpu_excitation.h"

namespace torchgraft {

std::shared_ptr<const FoldedConv> CpuLayers::Conv(const std::string&, const at::Tensor& weight,
                                                  const at::Tensor& bias,
                                                  const ConvGeometry& geometry) {
  return std::make_shared<const CpuConv>(weight, bias, geometry, type_);
}

std::shared_ptr<const FoldedExcitation> CpuLayers::Excitation(const std::string&,
                                                              const ExcitationWeights& weights) {
  return std::make_shared<const CpuExcitation>(weights);
}

}  // namespace torchgraft
