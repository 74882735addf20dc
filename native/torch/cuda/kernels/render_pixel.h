#pragma once

// Renders one pixel of a batch, with the CPU kernels' arithmetic and roundings. On a GPU each
// thread renders one; tests call it on the CPU, pixel by pixel.

#include <cstdint>

#include "torch/cuda/kernels/render_job.h"
#include "torch/cuda/kernels/scalar_rgb.h"
#include "torch/kernels/isa/rounded_bits.h"
#include "torch/kernels/resample/resample_blend.h"
#include "torch/kernels/sample/axis_tap.h"
#include "torch/kernels/sample/channels.h"
#include "torch/kernels/sample/mirror.h"
#include "torch/kernels/sample/mix.h"
#include "torch/kernels/sample/sample_taps.h"

namespace torchgraft {

namespace {

constexpr float kWhite = 255;

// affine_grid and nearest grid_sample along one axis of a grid of `size` pixels: the index of the
// output pixel's nearest grid pixel, rounded half to even.
int64_t GridIndex(const float* matrix, float u, float v, int32_t size) {
  const float normalized = u * matrix[0] + v * matrix[1] + matrix[2];
  const float scaled = (normalized + 1) * (static_cast<float>(size) / 2);
  return static_cast<int64_t>(rintf(scaled - 0.5f));
}

// Two-stage resampling of one pixel: 0–1.
ScalarRgb Resampled(const Sampling& sampling, const ResampleJob& grid, int64_t row,
                    int64_t column) {
  int64_t x = column;
  int64_t y = row;
  if (grid.placed) {
    const float first = 0.5f - static_cast<float>(sampling.output) / 2;
    const float u = first + static_cast<float>(column);
    const float v = first + static_cast<float>(row);
    x = GridIndex(grid.across, u, v, grid.width);
    y = GridIndex(grid.down, u, v, grid.height);
  }
  const bool inside = x >= 0 && x < grid.width && y >= 0 && y < grid.height;
  if (!inside && !sampling.reflect) {
    const float* border = sampling.border;
    return ScalarRgb::Of(border[0], border[1], border[2]) / ScalarRgb::Broadcast(kWhite);
  }
  const AxisTap across =
      AxisTapAt(grid.column_scale, grid.column_shift, Mirror(x, grid.width), sampling.width);
  const AxisTap down =
      AxisTapAt(grid.row_scale, grid.row_shift, Mirror(y, grid.height), sampling.height);
  const auto blended = [&](int64_t line) {
    const uint8_t* source = sampling.pixels + line * sampling.width * kChannels;
    return Blend(Unit(ScalarRgb::Load(source + across.first * kChannels)), across.first_weight,
                 Unit(ScalarRgb::Load(source + across.second * kChannels)), across.second_weight);
  };
  return Blend(blended(down.first), down.first_weight, blended(down.second), down.second_weight);
}

// One-stage sampling of one pixel: 0–255.
ScalarRgb Sampled(const Sampling& sampling, int64_t row, int64_t column) {
  const double* m = sampling.geometry;
  const double u = static_cast<double>(column) + 0.5;
  const double v = static_cast<double>(row) + 0.5;
  const double x = m[0] * u + m[1] * v + m[2];
  const double y = m[3] * u + m[4] * v + m[5];
  return sampling.nearest ? Nearest<ScalarRgb>(sampling, x, y)
                          : Bilinear<ScalarRgb>(sampling, x, y);
}

void StoreAt(const RenderJob& job, int64_t at, float x) {
  switch (job.type) {
    case PixelType::kFloat:
      static_cast<float*>(job.out)[at] = x;
      return;
    case PixelType::kBFloat16:
      static_cast<uint16_t*>(job.out)[at] = ToBFloat16(x);
      return;
    case PixelType::kHalf:
      static_cast<uint16_t*>(job.out)[at] = ToHalf(x);
      return;
  }
}

void RenderPixel(const RenderJob& job, int64_t i, int64_t row, int64_t column) {
  const ImageJob& image = job.images[i];
  const Sampling sampling = image.sampling;  // not read again after each store
  const bool two_stage = image.grid.height != 0;
  const ScalarRgb rgb = two_stage ? Resampled(sampling, image.grid, row, column)
                                  : Sampled(sampling, row, column) / ScalarRgb::Broadcast(kWhite);
  float colours[kChannels];
  rgb.Store(colours);
  if (sampling.has_colour) Mix<ScalarRgb>(sampling.colour, 1, colours, colours);

  const int64_t area = job.output * job.output;
  const int64_t pixel = row * job.output + column;
  const int64_t at = i * area * kChannels + (job.channels_last ? pixel * kChannels : pixel);
  for (int c = 0; c < kChannels; ++c) {
    const float x = two_stage ? (colours[c] - job.mean[c]) / job.std[c]
                              : colours[c] * sampling.scale[c] + sampling.shift[c];
    StoreAt(job, at + c * (job.channels_last ? 1 : area), x);
  }
}

}  // namespace

}  // namespace torchgraft
