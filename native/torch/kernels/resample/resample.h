#pragma once

#include <cstdint>

#include "torch/kernels/sample/axis_tap.h"
#include "torch/kernels/sample/sample.h"

namespace torchgraft {

// An image, the grid it is resampled to, and which pixel of the grid each one of the output takes.
// Numbers are those of src/augment/plan.ts as floats, colours from 0 to 1.
struct Resampling {
  const uint8_t* pixels;  // height × width × 3
  int64_t height;
  int64_t width;
  int64_t output;          // height and width
  const AxisTap* columns;  // of the grid
  const AxisTap* rows;
  int64_t grid_height;
  int64_t grid_width;
  // Of each pixel of the output x and y in the grid, which reaches from −1 to 1: affine_grid's
  // numbers, to be rounded to a pixel of the grid. Null: each its own pixel.
  const float* places;
  bool reflect;  // else `border` lies around the grid
  float border[3];
  bool has_colour;
  float colour[12];  // 3×4, clamped to 0–1 afterwards
  float mean[3];     // taken away, then divided by `std`
  float std[3];
};

// Floats that rows of an output take while they are made.
constexpr int64_t ResampleScratch(int64_t output) { return 14 * output + 256; }

// Every variant gives the same bits: PyTorch's.
struct ResampleKernel {
  // Rows of the output, [end − begin, output, 3] of `type`. `scratch` is of ResampleScratch.
  void (*rows)(const Resampling& resampling, int64_t begin, int64_t end, PixelType type, void* out,
               float* scratch);
};

extern const LevelTable<ResampleKernel> kResample;

}  // namespace torchgraft
