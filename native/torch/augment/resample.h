#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "torch/kernels/resample/resample.h"
#include "torch/session/batch.h"

namespace torchgraft {

// Two-stage resampling, a plan's `snap`: bilinear `interpolate` (align_corners=False, no antialias)
// of the source to a grid, then `affine_grid` and nearest `grid_sample` from the grid to the
// output. In float32 and rounded wherever PyTorch rounds, so that its bits come out.

// Bilinear taps along one axis: for each of `grid` pixels, which two of `source` pixels it blends.
// `scale` and `shift` lead from the grid's to the source's continuous coordinates.
std::vector<AxisTap> AxisTaps(double scale, double shift, int64_t grid, int64_t source);

// A row of affine_grid's `theta`: from pixels around the output's centre to −1…1 of the grid, from
// a row of the plan's 2×3 matrix.
std::array<float, 3> NormalizedRow(const double* row, int64_t output, int64_t grid);

// `affine_grid` for an output of output × output pixels. Its base grid, [output², 3] of x, y, 1
// around the centre, is made once for all images.
class ResampleGrid {
 public:
  explicit ResampleGrid(int64_t output) : output_(output) {}

  int64_t output() const { return output_; }

  // The position of each output pixel in a grid of height × width, whose corners are −1 and 1:
  // [1, output², 2] of x, y. `geometry` is the plan's 2×3 matrix.
  at::Tensor Positions(const double* geometry, int64_t height, int64_t width) const;

 private:
  // Whether libtorch's bmm rounds each product and each sum, without fused multiply-adds.
  bool IsBmmUnfused() const;

  int64_t output_;
  // Made by the first call of Positions.
  mutable at::Tensor base_;
  mutable bool is_bmm_unfused_ = false;
};

// The resampling kernel's input for one image, with the tables that it points to.
class ResampledImage {
 public:
  // `packed` is the plan, as src/augment/plan.ts packs it.
  ResampledImage(const Images& images, const double* packed, const ResampleGrid& grid,
                 const uint8_t* pixels, int64_t height, int64_t width);
  ResampledImage(ResampledImage&&) = default;

  const Resampling& resampling() const { return resampling_; }

 private:
  std::vector<AxisTap> columns_;
  std::vector<AxisTap> rows_;
  at::Tensor positions_;
  Resampling resampling_{};
};

}  // namespace torchgraft
