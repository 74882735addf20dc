#pragma once

// What the rendering kernel is told, by the host that fills it in.

#include <cstdint>

#include "torch/kernels/sample/sample.h"

namespace torchgraft {

// Where a plan snaps: to which grid, and from there to the source.
struct GridOfPlan {
  int32_t height;  // 0: it does not snap
  int32_t width;
  bool placed;      // else each pixel of the output is its own of the grid
  float across[3];  // affine_grid's matrix: from pixels around the output's centre to −1…1
  float down[3];
  // Through `scale` · (i + ½) + `shift` to the source: kernels/axis_tap.h.
  float column_scale;
  float column_shift;
  float row_scale;
  float row_shift;
};

struct ImageOfJob {
  Sampling sampling;  // its `pixels` null: `first` tells where they are
  GridOfPlan grid;
  int64_t first;  // byte of the source among those of all
};

struct RenderJob {
  const uint8_t* pixels;  // of all sources
  const ImageOfJob* images;
  void* out;  // [size, 3, output, output]
  int64_t size;
  int64_t output;
  PixelType type;
  bool channels_last;  // in memory: [size, output, output, 3]
  float mean[3];       // taken away where a plan snaps, then divided by `std`
  float std[3];
};

// Threads of a block, in columns and rows of the output.
constexpr int64_t kTileWidth = 32;
constexpr int64_t kTileHeight = 8;
constexpr int64_t kTile = kTileWidth * kTileHeight;

// The host's layout is the device's.
static_assert(sizeof(ImageOfJob) == 240 && sizeof(RenderJob) == 72);

}  // namespace torchgraft
