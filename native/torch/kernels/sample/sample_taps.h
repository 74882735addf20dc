#pragma once

// Which pixels of a source a place in it takes, and the colour there. For kernels' bodies, whose
// Rgb it is.

#include <cstdint>

#include "torch/kernels/sample/channels.h"
#include "torch/kernels/sample/mirror.h"
#include "torch/kernels/sample/sample.h"

namespace torchgraft {

namespace {

// Places along a line, taken apart: the pixel before each, and how far it is to the next one.
struct Place {
  int32_t before;
  float weight;
};

int32_t Floor(double x) {
  const auto towards_zero = static_cast<int32_t>(x);
  return towards_zero - (static_cast<double>(towards_zero) > x);
}

Place PlaceAt(double x) {
  const int32_t before = Floor(x - 0.5);
  return {before, static_cast<float>(x - 0.5 - before)};
}

template <typename Rgb>
Rgb Blend(Rgb a, Rgb b, float weight) {
  return a + (b - a) * Rgb::Broadcast(weight);
}

// One pixel of a row, or of what lies around it. No row: above or below the border.
template <typename Rgb>
Rgb TapOf(const Sampling& sampling, const uint8_t* row, int64_t x) {
  const bool inside = x >= 0 && x < sampling.width;
  if (row == nullptr || (!inside && !sampling.reflect)) {
    return Rgb::Of(sampling.border[0], sampling.border[1], sampling.border[2]);
  }
  const uint8_t* pixel = row + Mirror(x, sampling.width) * kChannels;
  return Rgb::Of(pixel[0], pixel[1], pixel[2]);
}

// Of the source; null where the border's colour is in its place.
const uint8_t* RowOf(const Sampling& sampling, int64_t y) {
  const bool inside = y >= 0 && y < sampling.height;
  if (!inside && !sampling.reflect) return nullptr;
  return sampling.pixels + Mirror(y, sampling.height) * sampling.width * kChannels;
}

// Whether a pixel and the next one lie in the row, four bytes each.
bool IsWithin(const Sampling& sampling, int64_t x) { return x >= 0 && x + 3 <= sampling.width; }

// One source pixel; then what lies between four.
template <typename Rgb>
Rgb Nearest(const Sampling& sampling, double x, double y) {
  return TapOf<Rgb>(sampling, RowOf(sampling, Floor(y)), Floor(x));
}

template <typename Rgb>
Rgb Bilinear(const Sampling& sampling, double x, double y) {
  const Place column = PlaceAt(x);
  const Place row = PlaceAt(y);
  const int64_t left = column.before;
  const int64_t top = row.before;
  if (IsWithin(sampling, left) && top >= 0 && top + 1 < sampling.height) {
    const uint8_t* upper = sampling.pixels + (top * sampling.width + left) * kChannels;
    const uint8_t* lower = upper + sampling.width * kChannels;
    return Blend(Blend(Rgb::Load(upper), Rgb::Load(upper + kChannels), column.weight),
                 Blend(Rgb::Load(lower), Rgb::Load(lower + kChannels), column.weight), row.weight);
  }
  const uint8_t* upper = RowOf(sampling, top);
  const uint8_t* lower = RowOf(sampling, top + 1);
  return Blend(Blend(TapOf<Rgb>(sampling, upper, left), TapOf<Rgb>(sampling, upper, left + 1),
                     column.weight),
               Blend(TapOf<Rgb>(sampling, lower, left), TapOf<Rgb>(sampling, lower, left + 1),
                     column.weight),
               row.weight);
}

}  // namespace

}  // namespace torchgraft
