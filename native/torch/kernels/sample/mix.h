#pragma once

// Colours through a matrix. For kernels' bodies, whose Rgb it is.

#include <cstdint>

#include "torch/kernels/sample/channels.h"

namespace torchgraft {

namespace {

// Pixels through a 3×4 matrix, clamped to 0–1 as std::clamp and PyTorch do it: NaN stays NaN.
template <typename Rgb>
void Mix(const float* matrix, int64_t pixels, const float* rgb, float* mixed) {
  const float* m = matrix;
  const Rgb red = Rgb::Of(m[0], m[4], m[8]);
  const Rgb green = Rgb::Of(m[1], m[5], m[9]);
  const Rgb blue = Rgb::Of(m[2], m[6], m[10]);
  const Rgb constant = Rgb::Of(m[3], m[7], m[11]);
  for (int64_t i = 0; i < pixels; ++i, rgb += kChannels, mixed += kChannels) {
    const Rgb all = red * Rgb::Broadcast(rgb[0]) + green * Rgb::Broadcast(rgb[1]) +
                    blue * Rgb::Broadcast(rgb[2]) + constant;
    Min(Rgb::Broadcast(1), Max(Rgb::Broadcast(0), all)).Store(mixed);
  }
}

}  // namespace

}  // namespace torchgraft
