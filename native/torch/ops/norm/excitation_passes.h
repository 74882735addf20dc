#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "torch/cuda/layers/layer_kernels.h"

namespace torchgraft {

// Squeeze-and-excitation's passes over images [n, channels, h, w], channels_last, whose channels
// each have a weight of their own: weights and sums are float, [n, channels].
class ExcitationPasses {
 public:
  virtual ~ExcitationPasses() = default;

  // The mean over each image's pixels.
  virtual at::Tensor Mean(const at::Tensor& x) const = 0;

  // weights · x
  virtual at::Tensor Weighed(const at::Tensor& x, const at::Tensor& weights) const = 0;

  // The gradient of what goes into the sigmoid that the weights come from.
  virtual at::Tensor OfLogits(const at::Tensor& x, const at::Tensor& dy,
                              const at::Tensor& weights) const = 0;

  // x's own, from that of the weighed x and that of the mean.
  virtual at::Tensor OfImages(const at::Tensor& dy, const at::Tensor& weights,
                              const at::Tensor& d_mean) const = 0;
};

// On the CPU, where `device` is null: for images as these.
std::unique_ptr<ExcitationPasses> MakeExcitationPasses(const at::Tensor& like,
                                                       const LayerKernels* device);

}  // namespace torchgraft
