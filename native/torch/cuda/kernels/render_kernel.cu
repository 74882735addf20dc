// Renders a batch of images, one thread a pixel of the output. Compiled at run time: nvrtc.h.

#include "torch/cuda/kernels/render_pixel.h"

using namespace torchgraft;

// A block renders a tile of one image; where a grid has too few blocks, of further images too.
extern "C" __global__ void __launch_bounds__(kTile)
    RenderBatch(const __grid_constant__ RenderJob job) {
  const auto tiles = static_cast<unsigned>((job.output + kTileWidth - 1) / kTileWidth);
  const int64_t row = blockIdx.x / tiles * kTileHeight + threadIdx.y;
  const int64_t column = blockIdx.x % tiles * kTileWidth + threadIdx.x;
  if (row >= job.output || column >= job.output) return;
  for (int64_t i = blockIdx.y; i < job.size; i += gridDim.y) RenderPixel(job, i, row, column);
}
