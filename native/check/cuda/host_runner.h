#pragma once

#include "torch/cuda/layers/layer_kernels.h"

namespace torchgraft {

// The kernels of layers, compiled as C++ and run by the host: they take tensors of the CPU.
LayerKernels KernelsOnHost(at::ScalarType type);

}  // namespace torchgraft
