#pragma once

namespace torchgraft {

// CUDA sources as strings, their includes inlined: made by embed.cmake when the addon is built.
extern const char kLayerKernelSource[];   // layer_kernel.cu, which wants TORCHGRAFT_ELEMENT
extern const char kRenderKernelSource[];  // render_kernel.cu

}  // namespace torchgraft
