#pragma once

// From a row's sampled colours, 0–255, to what a model sees; for sample_body.h.

#include "narrow.h"
#include "rgb.h"
#include "sample.h"
#include "vec.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;

// A row through the colour matrix.
void Mix(const Sampling& sampling, const float* rgb, float* mixed) {
  const float* m = sampling.colour;
  const Rgb red = Rgb::Of(m[0], m[4], m[8]);
  const Rgb green = Rgb::Of(m[1], m[5], m[9]);
  const Rgb blue = Rgb::Of(m[2], m[6], m[10]);
  const Rgb constant = Rgb::Of(m[3], m[7], m[11]);
  for (int64_t i = 0; i < sampling.output; ++i, rgb += kChannels, mixed += kChannels) {
    const Rgb all =
        red * Rgb::All(rgb[0]) + green * Rgb::All(rgb[1]) + blue * Rgb::All(rgb[2]) + constant;
    Min(Max(all, Rgb::All(0)), Rgb::All(1)).Store(mixed);
  }
}

// From 0–255 to 0–1: divided, since a product with 1/255 would round otherwise than PyTorch does.
void ToUnit(float* rgb, int64_t count) {
  const Vec white = Vec::All(255);
  for (int64_t i = 0; i < count; i += Vec::kLanes) (Vec::Load(rgb + i) / white).Store(rgb + i);
}

// Three vectors hold whole pixels, so their scales and shifts stay the same along a row.
struct Normalize {
  float scales[kChannels * Vec::kLanes];
  float shifts[kChannels * Vec::kLanes];

  explicit Normalize(const Sampling& sampling) {
    for (int i = 0; i < kChannels * Vec::kLanes; ++i) {
      scales[i] = sampling.scale[i % kChannels];
      shifts[i] = sampling.shift[i % kChannels];
    }
  }

  template <typename Out>
  void operator()(const float* rgb, int64_t count, Out* out) const {
    Vec scale[kChannels];
    Vec shift[kChannels];
    for (int k = 0; k < kChannels; ++k) {
      scale[k] = Vec::Load(scales + k * Vec::kLanes);
      shift[k] = Vec::Load(shifts + k * Vec::kLanes);
    }
    int64_t i = 0;
    for (; i + kChannels * Vec::kLanes <= count; i += kChannels * Vec::kLanes) {
      for (int k = 0; k < kChannels; ++k) {
        const int64_t at = i + k * Vec::kLanes;
        StoreAs(Vec::Load(rgb + at) * scale[k] + shift[k], out + at);
      }
    }
    for (int k = 0; i < count; ++k, i += Vec::kLanes) {
      Out last[Vec::kLanes];
      StoreAs(Vec::Load(rgb + i) * scale[k] + shift[k], last);
      for (int lane = 0; lane < Vec::kLanes && i + lane < count; ++lane) out[i + lane] = last[lane];
    }
  }
};

}  // namespace

}  // namespace torchgraft
