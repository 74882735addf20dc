#include "torch/models/inference/device_layers.h"

namespace torchgraft {

std::shared_ptr<const FoldedConv> DeviceLayers::Conv(const std::string& name,
                                                     const at::Tensor& weight,
                                                     const at::Tensor& bias,
                                                     const ConvGeometry& geometry) {
  auto& conv = convs_[name];
  if (conv) {
    conv->Refold(weight, bias);
  } else {
    conv = std::make_shared<DeviceConv>(weight, bias, geometry, type_, kernels_, fused_);
  }
  return conv;
}

std::shared_ptr<const FoldedExcitation> DeviceLayers::Excitation(const std::string& name,
                                                                 const ExcitationWeights& weights) {
  auto& excitation = excitations_[name];
  if (excitation) {
    excitation->Refold(weights);
  } else {
    excitation = std::make_shared<DeviceExcitation>(weights, type_);
  }
  return excitation;
}

}  // namespace torchgraft
