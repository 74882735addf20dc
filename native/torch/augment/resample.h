#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "torch/kernels/resample/resample.h"
#include "torch/session/batch.h"

namespace torchgraft {

// The notebook's two resamplings, in float32 and rounded wherever PyTorch rounds: `interpolate`
// (bilinear, align_corners=False, no antialias) to a grid, then `affine_grid` and `grid_sample`
// (nearest) from that grid to the output. So the same pixels come out, to the last bit.

// Taps for each of `grid` places along an axis of `source` pixels, through i ↦ scale · i + shift.
std::vector<AxisTap> AxisTaps(double scale, double shift, int64_t grid, int64_t source);

// affine_grid's matrix for one axis: from pixels around the output's centre to −1…1 of the grid.
// `row` is that of the plan's 2×3 matrix.
std::array<float, 3> Rescaled(const double* row, int64_t output, int64_t grid);

// The output's pixels as affine_grid lays them out: [output², 3] of x, y, 1 from the centre.
class SnapGrid {
 public:
  explicit SnapGrid(int64_t output) : output_(output) {}

  int64_t output() const { return output_; }

  // Where each pixel of the output lies in a grid of this size, which reaches from −1 to 1:
  // [1, output², 2] of x, y. `geometry` is the plan's 2×3 matrix.
  at::Tensor Places(const double* geometry, int64_t height, int64_t width) const;

 private:
  // Whether libtorch's product rounds each product and each sum, one after another.
  bool IsRoundedApart() const;

  int64_t output_;
  // Made when first asked for.
  mutable at::Tensor base_;
  mutable bool is_apart_ = false;
};

// An image whose plan snaps: what the kernel reads, in memory that stands in it.
class SnappedImage {
 public:
  // `packed` is the plan; src/augment/plan.ts tells which number is which.
  SnappedImage(const Images& images, const double* packed, const SnapGrid& grid,
               const uint8_t* pixels, int64_t height, int64_t width);
  SnappedImage(SnappedImage&&) = default;

  const Resampling& snapping() const { return snapping_; }

 private:
  std::vector<AxisTap> columns_;
  std::vector<AxisTap> rows_;
  at::Tensor places_;
  Resampling snapping_{};
};

}  // namespace torchgraft
