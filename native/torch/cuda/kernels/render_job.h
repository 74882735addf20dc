#pragma once

// The rendering kernel's argument, filled in by the host.

#include <cstdint>

#include "torch/kernels/sample/sample.h"

namespace torchgraft {

// A plan's two-stage resampling (augment/resample.h): the grid, and the way from there to the
// source.
struct ResampleJob {
  int32_t height;  // of the grid; 0: the plan has no second stage
  int32_t width;
  bool placed;      // false: geometry is the identity, pixel (x, y) of the output is the grid's
  float across[3];  // NormalizedRow of x: affine_grid's theta
  float down[3];    // of y
  // From pixel i of the grid to the source, `scale` · (i + ½) + `shift`: sample/axis_tap.h.
  float column_scale;
  float column_shift;
  float row_scale;
  float row_shift;
};

struct ImageJob {
  Sampling sampling;  // its `pixels` are the device's
  ResampleJob grid;
};

struct RenderJob {
  const ImageJob* images;
  void* out;  // [size, 3, output, output]
  int64_t size;
  int64_t output;
  PixelType type;
  bool channels_last;  // in memory: [size, output, output, 3]
  float mean[3];       // of two-stage plans: (x − mean) / std; others have them in `sampling`
  float std[3];
};

// A block's threads: a tile of the output, in columns and rows.
constexpr int64_t kTileWidth = 32;
constexpr int64_t kTileHeight = 8;
constexpr int64_t kTile = kTileWidth * kTileHeight;

// The host's layout is the device's.
static_assert(sizeof(ImageJob) == 232 && sizeof(RenderJob) == 64);

}  // namespace torchgraft
