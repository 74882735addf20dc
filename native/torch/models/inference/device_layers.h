#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "torch/models/inference/device_conv.h"
#include "torch/models/inference/device_excitation.h"
#include "torch/models/inference/folded_layers.h"

namespace torchgraft {

// Layers on a GPU. One of a name is made once: asked for again, it takes the new weights at the old
// addresses, since CUDA graphs have captured those and replay what lies there. So graphs of them
// must be dropped before these layers are.
class DeviceLayers final : public FoldedLayers {
 public:
  // `type` of activations. `kernels` and `fused` as DeviceConv takes them.
  DeviceLayers(at::ScalarType type, std::shared_ptr<const LayerKernels> kernels,
               std::optional<FusedConvOperators> fused)
      : type_(type), kernels_(std::move(kernels)), fused_(std::move(fused)) {}

  std::shared_ptr<const FoldedConv> Conv(const std::string& name, const at::Tensor& weight,
                                         const at::Tensor& bias,
                                         const ConvGeometry& geometry) override;
  std::shared_ptr<const FoldedExcitation> Excitation(const std::string& name,
                                                     const ExcitationWeights& weights) override;
  bool threads_take_images() const override { return false; }

  // By name.
  const std::map<std::string, std::shared_ptr<DeviceConv>>& convs() const { return convs_; }

 private:
  at::ScalarType type_;
  std::shared_ptr<const LayerKernels> kernels_;
  std::optional<FusedConvOperators> fused_;
  std::map<std::string, std::shared_ptr<DeviceConv>> convs_;
  std::map<std::string, std::shared_ptr<DeviceExcitation>> excitations_;
};

}  // namespace torchgraft
