#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/mirror.h"

namespace torchgraft {

// The notebook's two resamplings, in float32 and rounded wherever PyTorch rounds: `interpolate`
// (bilinear, align_corners=False, no antialias) to a grid, then `affine_grid` and `grid_sample`
// (nearest) from that grid to the output. So the same pixels come out, to the last bit.

// a × b + c, rounded once, as processors with FMA do it. A product of floats is exact in double.
inline float MultiplyAdd(float a, float b, float c) {
  return static_cast<float>(static_cast<double>(a) * b + c);
}

// Two source pixels and their weights, for one row or column of the grid.
struct AxisTap {
  int64_t first;
  int64_t second;
  float first_weight;
  float second_weight;

  float Blend(float a, float b) const { return MultiplyAdd(a, first_weight, b * second_weight); }
};

// Taps for each of `grid` places along an axis of `source` pixels, through i ↦ scale · i + shift.
std::vector<AxisTap> AxisTaps(double scale, double shift, int64_t grid, int64_t source);

// The output's pixels as affine_grid lays them out: [output², 3] of x, y, 1 from the centre.
class SnapGrid {
 public:
  explicit SnapGrid(int64_t output) : output_(output) {}

  int64_t output() const { return output_; }

  // Where each pixel of the output lies in a grid of this size, in float32 before rounding:
  // [output, output, 2]. `geometry` is the plan's 2×3 matrix.
  at::Tensor Places(const double* geometry, int64_t height, int64_t width) const;

 private:
  int64_t output_;
  mutable at::Tensor base_;  // made when first asked for
};

// A picture's snap: the taps of the grid's columns and rows, and where in the grid the output's
// pixels lie.
struct Snap {
  std::vector<AxisTap> x;
  std::vector<AxisTap> y;
  at::Tensor places;  // undefined: every pixel at its own
  const float* place = nullptr;
  int64_t output = 0;

  int64_t width() const { return static_cast<int64_t>(x.size()); }
  int64_t height() const { return static_cast<int64_t>(y.size()); }

  std::pair<int64_t, int64_t> Place(int64_t row, int64_t column) const {
    if (place == nullptr) return {column, row};
    const float* at = place + 2 * (row * output + column);
    return {static_cast<int64_t>(std::nearbyint(at[0])),  // half to even
            static_cast<int64_t>(std::nearbyint(at[1]))};
  }
};

// `packed` is the plan; src/data/plan.ts tells which number is which.
Snap MakeSnap(const double* packed, const SnapGrid& grid, int64_t source_height,
              int64_t source_width);

}  // namespace torchgraft
