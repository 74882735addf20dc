#include "torch/cuda/kernels/render_on_host.h"

#include "torch/cuda/kernels/render_pixel.h"

namespace torchgraft {

void RenderOnHost(const RenderJob& job) {
  for (int64_t i = 0; i < job.size; ++i) {
    for (int64_t row = 0; row < job.output; ++row) {
      for (int64_t column = 0; column < job.output; ++column) RenderPixel(job, i, row, column);
    }
  }
}

}  // namespace torchgraft
