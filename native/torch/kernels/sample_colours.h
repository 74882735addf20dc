#pragma once

// From a row's colours to what a model sees; for sample_body.h and snap_body.h.

#include "narrow.h"
#include "rgb.h"
#include "sample.h"
#include "vec.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;

// A row's last pixel is written with its fourth lane, and read a vector at a time.
constexpr int64_t kPadding = 64;

// A row through a 3×4 matrix, clamped to 0–1 as std::clamp and PyTorch do it: what is no number
// stays none.
void Mix(const float* matrix, int64_t pixels, const float* rgb, float* mixed) {
  const float* m = matrix;
  const Rgb red = Rgb::Of(m[0], m[4], m[8]);
  const Rgb green = Rgb::Of(m[1], m[5], m[9]);
  const Rgb blue = Rgb::Of(m[2], m[6], m[10]);
  const Rgb constant = Rgb::Of(m[3], m[7], m[11]);
  for (int64_t i = 0; i < pixels; ++i, rgb += kChannels, mixed += kChannels) {
    const Rgb all =
        red * Rgb::All(rgb[0]) + green * Rgb::All(rgb[1]) + blue * Rgb::All(rgb[2]) + constant;
    Min(Rgb::All(1), Max(Rgb::All(0), all)).Store(mixed);
  }
}

// A number for each channel, along a row: three vectors hold whole pixels, and then it goes on as
// it began.
struct ByChannel {
  Vec of[kChannels];

  explicit ByChannel(const float* numbers) {
    float along[kChannels * Vec::kLanes];
    for (int i = 0; i < kChannels * Vec::kLanes; ++i) along[i] = numbers[i % kChannels];
    for (int k = 0; k < kChannels; ++k) of[k] = Vec::Load(along + k * Vec::kLanes);
  }
};

// A row of `count` numbers: make(i, k) is the vector from the i-th on, the k-th of ByChannel. Asked
// for up to kPadding beyond the end.
template <typename Out, typename Make>
void StoreRow(int64_t count, Out* out, const Make& make) {
  int64_t i = 0;
  for (; i + kChannels * Vec::kLanes <= count; i += kChannels * Vec::kLanes) {
    for (int k = 0; k < kChannels; ++k) {
      const int64_t at = i + k * Vec::kLanes;
      StoreAs(make(at, k), out + at);
    }
  }
  for (int k = 0; i < count; ++k, i += Vec::kLanes) {
    Out last[Vec::kLanes];
    StoreAs(make(i, k), last);
    for (int lane = 0; lane < Vec::kLanes && i + lane < count; ++lane) out[i + lane] = last[lane];
  }
}

// Calls write(out), with `out` of the type that pixels are stored as.
template <typename Write>
void ToPixels(PixelType type, void* out, const Write& write) {
  switch (type) {
    case PixelType::kFloat:
      return write(static_cast<float*>(out));
    case PixelType::kBFloat16:
      return write(static_cast<BFloat16Bits*>(out));
    case PixelType::kHalf:
      return write(static_cast<HalfBits*>(out));
  }
}

}  // namespace

}  // namespace torchgraft
