#pragma once

namespace torchgraft {

// CUDA sources as strings, their includes inlined: made by embed.cmake when the addon is built.
extern const char kNormKernelSource[];    // norm_kernel.cu
extern const char kRenderKernelSource[];  // render_kernel.cu

}  // namespace torchgraft
