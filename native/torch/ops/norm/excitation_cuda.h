#pragma once

#include <memory>

#include "torch/ops/norm/excitation_passes.h"

namespace torchgraft {

// By the kernels of a CUDA device: for what they take, images as these.
std::unique_ptr<ExcitationPasses> MakeDeviceExcitation(const at::Tensor& like,
                                                       const LayerKernels& kernels);

}  // namespace torchgraft
