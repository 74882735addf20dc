#pragma once

#include <ATen/core/Tensor.h>

#include "torch/cuda/layers/layer_kernels.h"
#include "torch/ops/norm/batch_norm_passes.h"

namespace torchgraft {

// batch_norm_passes.h's work by the kernels of a CUDA device: batch norm with its sum and ReLU in
// two passes over the tensor forward, and two backward, where libtorch takes a pass for each
// operation. For what the kernels take; x, the residual and the gradients are channels_last.
Normed DeviceNormForward(const LayerKernels& kernels, const at::Tensor& x, const NormState& norm,
                         const at::Tensor& residual, bool relu, bool remember);
NormGradients DeviceNormBackward(const LayerKernels& kernels, const at::Tensor& x,
                                 const at::Tensor& weight, const Normed& normed,
                                 const at::Tensor& dy, const at::Tensor& dy_shortcut, bool relu,
                                 bool training);

}  // namespace torchgraft
