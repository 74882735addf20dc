#pragma once

#include <ATen/core/Tensor.h>

#include "torch/cuda/kernels/render_job.h"
#include "torch/session/batch.h"

namespace torchgraft {

// The sources' bytes as they stand, without a copy.
at::Tensor PixelsOf(const Images& images);

// What the rendering kernel reads of each image of a batch: bytes, [size · sizeof(ImageOfJob)],
// on the CPU.
at::Tensor PackImages(const Images& images);

// All that a launch is told. `out` is [size, 3, output, output], in float32, bfloat16 or float16,
// contiguous in memory as it is or in channels_last; it, the images and the pixels lie where the
// kernel runs. Throws ERR_BATCH_SHAPE for another `out`.
RenderJob MakeRenderJob(const Images& images, const at::Tensor& pixels, const at::Tensor& records,
                        const at::Tensor& out);

}  // namespace torchgraft
