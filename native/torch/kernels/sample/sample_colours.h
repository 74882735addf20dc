#pragma once

// From a row's colours to what a model sees; for sample_body.h and resample_body.h.

#include "torch/kernels/isa/narrow.h"
#include "torch/kernels/isa/vec.h"
#include "torch/kernels/sample/channels.h"
#include "torch/kernels/sample/mix.h"
#include "torch/kernels/sample/rgb.h"
#include "torch/kernels/sample/sample.h"

namespace torchgraft {

namespace {

// A row's last pixel is written with its fourth lane, and read a vector at a time.
constexpr int64_t kPadding = 64;

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
