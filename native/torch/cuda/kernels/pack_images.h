#pragma once

#include <ATen/core/Tensor.h>

#include "torch/cuda/kernels/render_job.h"
#include "torch/session/batch.h"

namespace torchgraft {

// uint8, [size · sizeof(ImageJob)], on the CPU: the rendering kernel's ImageJob for each image.
at::Tensor PackImages(const Images& images);

// The rendering kernel's argument. `out` is [size, 3, output, output], in float32, bfloat16 or
// float16, contiguous or channels_last; it, the records of PackImages and the pixels lie in memory
// of the device that runs the kernel. Throws ERR_BATCH_SHAPE for another `out`.
RenderJob MakeRenderJob(const Images& images, const at::Tensor& pixels, const at::Tensor& records,
                        const at::Tensor& out);

}  // namespace torchgraft
