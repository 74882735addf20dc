#pragma once

#include "torch/cuda/kernels/render_job.h"

namespace torchgraft {

// The rendering kernel on the CPU, pixel by pixel and from the same source (render_pixel.h): tests
// where there is no GPU.
void RenderOnHost(const RenderJob& job);

}  // namespace torchgraft
