#include "torch/augment/resample.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <array>

namespace torchgraft {

namespace {

constexpr std::array<double, 6> kIdentity = {1, 0, 0, 0, 1, 0};
// For smaller outputs bmm is used as it is: too few numbers to tell whether it fuses, and no gain.
constexpr int64_t kMinOutputOfLoops = 32;

// base · theta with each product and each sum rounded by itself; theta is [3, 2].
at::Tensor UnfusedProduct(int64_t output, const float* theta) {
  auto positions = at::empty({1, output * output, 2}, at::kFloat);
  float* to = positions.data_ptr<float>();
  const float first = 0.5f - static_cast<float>(output) / 2;
  for (int64_t row = 0; row < output; ++row) {
    const float v = first + static_cast<float>(row);
    const float x = v * theta[2];
    const float y = v * theta[3];
    for (int64_t column = 0; column < output; ++column, to += 2) {
      const float u = first + static_cast<float>(column);
      to[0] = u * theta[0] + x + theta[4];
      to[1] = u * theta[1] + y + theta[5];
    }
  }
  return positions;
}

}  // namespace

std::vector<AxisTap> AxisTaps(double scale, double shift, int64_t grid, int64_t source) {
  std::vector<AxisTap> taps(grid);
  for (int64_t i = 0; i < grid; ++i) {
    taps[i] = AxisTapAt(static_cast<float>(scale), static_cast<float>(shift - 0.5), i, source);
  }
  return taps;
}

std::array<float, 3> NormalizedRow(const double* row, int64_t output, int64_t grid) {
  const double centre = static_cast<double>(output) / 2;
  const double half = static_cast<double>(grid) / 2;
  const double shift = row[2] + (row[0] + row[1]) * centre - half;
  const auto scale = static_cast<float>(half);
  return {static_cast<float>(row[0]) / scale, static_cast<float>(row[1]) / scale,
          static_cast<float>(shift) / scale};
}

at::Tensor ResampleGrid::Positions(const double* geometry, int64_t height, int64_t width) const {
  if (!base_.defined()) {
    const double first = 0.5 - static_cast<double>(output_) / 2;
    const auto centres = at::arange(output_, at::kFloat) + first;
    base_ = at::empty({1, output_, output_, 3}, at::kFloat);
    base_.select(3, 0).copy_(centres);
    base_.select(3, 1).copy_(centres.unsqueeze(1));
    base_.select(3, 2).fill_(1);
    base_ = base_.view({1, output_ * output_, 3});
    is_bmm_unfused_ = IsBmmUnfused();
  }
  const auto x = NormalizedRow(geometry, output_, width);
  const auto y = NormalizedRow(geometry + 3, output_, height);
  auto theta = at::empty({1, 3, 2}, at::kFloat);
  float* const cells = theta.data_ptr<float>();
  for (int i = 0; i < 3; ++i) {
    cells[2 * i] = x[i];
    cells[2 * i + 1] = y[i];
  }
  // PyTorch's own product: whether it fuses multiply-adds depends on the processor. BLAS is slow at
  // so thin a matrix; where it fuses none, plain loops give the same bits.
  return is_bmm_unfused_ ? UnfusedProduct(output_, cells) : base_.bmm(theta);
}

bool ResampleGrid::IsBmmUnfused() const {
  if (output_ < kMinOutputOfLoops) return false;
  // Numbers with all their digits: another order or a fused product would change every fourth.
  const auto theta = at::tensor({0.008737151f, -0.001539487f, -0.003816273f, 0.009182737f,
                                 0.013947261f, -0.027183719f})
                         .view({1, 3, 2});
  return base_.bmm(theta).equal(UnfusedProduct(output_, theta.const_data_ptr<float>()));
}

ResampledImage::ResampledImage(const Images& images, const double* packed, const ResampleGrid& grid,
                               const uint8_t* pixels, int64_t height, int64_t width) {
  const auto grid_height = static_cast<int64_t>(packed[11]);
  const auto grid_width = static_cast<int64_t>(packed[12]);
  const double* resize = packed + 13;
  columns_ = AxisTaps(resize[0], resize[2], grid_width, width);
  rows_ = AxisTaps(resize[4], resize[5], grid_height, height);
  if (!std::equal(kIdentity.begin(), kIdentity.end(), packed)) {
    positions_ = grid.Positions(packed, grid_height, grid_width);
    resampling_.places = positions_.const_data_ptr<float>();
  }
  resampling_.pixels = pixels;
  resampling_.height = height;
  resampling_.width = width;
  resampling_.output = images.output;
  resampling_.columns = columns_.data();
  resampling_.rows = rows_.data();
  resampling_.grid_height = grid_height;
  resampling_.grid_width = grid_width;
  resampling_.reflect = packed[7] == 0;
  resampling_.has_colour = packed[19] != 0;
  for (int c = 0; c < 3; ++c) {
    // × 255 and / 255, each rounded, as pixels are.
    resampling_.border[c] = static_cast<float>(packed[8 + c]) * 255.0f / 255.0f;
    resampling_.mean[c] = static_cast<float>(images.mean[c]);
    resampling_.std[c] = static_cast<float>(images.std[c]);
  }
  for (int i = 0; i < 12; ++i) resampling_.colour[i] = static_cast<float>(packed[20 + i]);
}

}  // namespace torchgraft
