#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "torch/cuda/kernels/render_job.h"
#include "torch/session/batch.h"

namespace torchgraft {

// uint8, [size · sizeof(ImageJob)], on the CPU: the rendering kernel's ImageJob for each image.
// `sources`: where each image's pixels lie, in memory of the device that runs the kernel.
at::Tensor PackImages(const Images& images, const std::vector<const uint8_t*>& sources);

// The rendering kernel's argument. `out` is [size, 3, output, output], in float32, bfloat16 or
// float16, contiguous or channels_last; it and the records of PackImages lie in memory of the
// device that runs the kernel. Throws ERR_BATCH_SHAPE for another `out`.
RenderJob MakeRenderJob(const Images& images, const at::Tensor& records, const at::Tensor& out);

}  // namespace torchgraft
