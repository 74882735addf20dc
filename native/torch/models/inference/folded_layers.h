#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

namespace torchgraft {

// How a convolution moves over an image, the same along both axes.
struct ConvGeometry {
  int64_t stride;
  int64_t padding;
  int64_t groups;
};

// A convolution for scoring, its batch norm folded in. Activations are channels_last.
class FoldedConv {
 public:
  virtual ~FoldedConv() = default;

  virtual at::Tensor Run(const at::Tensor& x, bool relu) const = 0;

  // relu(conv(x) + residual), where it has no groups.
  virtual at::Tensor RunResidual(const at::Tensor& x, const at::Tensor& residual) const = 0;
};

// Squeeze and excitation for scoring.
class FoldedExcitation {
 public:
  virtual ~FoldedExcitation() = default;

  // x · sigmoid(fc2(relu(fc1(mean of x)))), in place.
  virtual void Weigh(at::Tensor& x) const = 0;
};

// fc1 and fc2: [squeezed, channels], [squeezed], [channels, squeezed], [channels].
struct ExcitationWeights {
  at::Tensor fc1_weight;
  at::Tensor fc1_bias;
  at::Tensor fc2_weight;
  at::Tensor fc2_bias;
};

// What computes a folded model's layers: CpuLayers or DeviceLayers.
class FoldedLayers {
 public:
  virtual ~FoldedLayers() = default;

  // The layers of these names in the graph; weight and bias in double. Throw c10::Error where this
  // libtorch or this processor has no operators for one.
  virtual std::shared_ptr<const FoldedConv> Conv(const std::string& name, const at::Tensor& weight,
                                                 const at::Tensor& bias,
                                                 const ConvGeometry& geometry) = 0;
  virtual std::shared_ptr<const FoldedExcitation> Excitation(const std::string& name,
                                                             const ExcitationWeights& weights) = 0;

  // Whether each thread takes some of a batch's images through the whole model.
  virtual bool threads_take_images() const = 0;
};

}  // namespace torchgraft
