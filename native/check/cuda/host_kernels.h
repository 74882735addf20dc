#pragma once

#include <array>

#include "torch/cuda/layers/layer_kernels.h"

namespace torchgraft {

// layer_kernel.cu as C++ for one element type: what each kernel's threads run, by LayerKernel.
using HostKernels = std::array<void (*)(const void* job), kLayerKernels>;

extern const HostKernels kHostKernelsFp32;
extern const HostKernels kHostKernelsBf16;
extern const HostKernels kHostKernelsFp16;

}  // namespace torchgraft
