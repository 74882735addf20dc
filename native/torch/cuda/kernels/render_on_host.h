#pragma once

#include "torch/cuda/kernels/render_job.h"

namespace torchgraft {

// What the kernel does on a GPU, by the same source, here and one pixel after another: so it is
// tested where there is none.
void RenderOnHost(const RenderJob& job);

}  // namespace torchgraft
