#pragma once

// The kernel kSample. Products and sums are each
// rounded, in one order everywhere, so that all levels give the same bits.

#include "torch/kernels/sample/last_two_rows.h"
#include "torch/kernels/sample/rgb.h"
#include "torch/kernels/sample/sample.h"
#include "torch/kernels/sample/sample_colours.h"
#include "torch/kernels/sample/sample_taps.h"

namespace torchgraft {

namespace {

// Rows of the source, each blended to the output's columns.
class BlendedRows {
 public:
  BlendedRows(const Sampling& sampling, float* scratch)
      : sampling_(sampling),
        before_(reinterpret_cast<int32_t*>(scratch)),
        weights_(scratch + sampling.output),
        rows_(scratch + 2 * sampling.output,
              scratch + (2 + kChannels) * sampling.output + kPadding / 2) {
    const int64_t output = sampling.output;
    for (int64_t i = 0; i < output; ++i) {
      const auto [before, weight] =
          PlaceAt(sampling.geometry[0] * (static_cast<double>(i) + 0.5) + sampling.geometry[2]);
      before_[i] = before;
      weights_[i] = weight;
    }
    while (first_ < output && !IsWithin(sampling, before_[first_])) ++first_;
    end_ = first_;
    while (end_ < output && IsWithin(sampling, before_[end_])) ++end_;
  }

  // Good until two others have been asked for.
  const float* At(int64_t y) {
    return rows_.Of(RowOf(sampling_, y),
                    [&](const uint8_t* source, float* row) { Make(source, row); });
  }

 private:
  void Make(const uint8_t* source, float* row) const {
    const int64_t end = source == nullptr ? first_ : end_;
    MakeAtEdge(source, 0, first_, row);
    for (int64_t i = first_; i < end; ++i) {
      const uint8_t* pixel = source + static_cast<int64_t>(before_[i]) * kChannels;
      Blend(Rgb::Load(pixel), Rgb::Load(pixel + kChannels), weights_[i]).Store(row + i * kChannels);
    }
    MakeAtEdge(source, end, sampling_.output, row);
  }

  void MakeAtEdge(const uint8_t* source, int64_t from, int64_t to, float* row) const {
    for (int64_t i = from; i < to; ++i) {
      const int64_t x = before_[i];
      Blend(TapOf<Rgb>(sampling_, source, x), TapOf<Rgb>(sampling_, source, x + 1), weights_[i])
          .Store(row + i * kChannels);
    }
  }

  const Sampling& sampling_;
  int32_t* before_;
  float* weights_;
  // Columns that take nothing from around the image.
  int64_t first_ = 0;
  int64_t end_ = 0;
  LastTwoRows rows_;
};

// Columns and rows stay what they are: each row of the output is two blended rows, blended.
struct AlignedRows {
  BlendedRows blended;
  const Sampling& sampling;

  AlignedRows(const Sampling& sampling, float* scratch)
      : blended(sampling, scratch), sampling(sampling) {}

  void Make(int64_t row, float* rgb) {
    const auto [before, weight] =
        PlaceAt(sampling.geometry[4] * (static_cast<double>(row) + 0.5) + sampling.geometry[5]);
    const float* upper = blended.At(before);
    const float* lower = blended.At(static_cast<int64_t>(before) + 1);
    const Vec share = Vec::Broadcast(weight);
    for (int64_t i = 0; i < sampling.output * kChannels; i += Vec::kLanes) {
      const Vec a = Vec::Load(upper + i);
      (a + (Vec::Load(lower + i) - a) * share).Store(rgb + i);
    }
  }
};

// Anything else: each pixel by itself.
struct TurnedRows {
  const Sampling& sampling;

  TurnedRows(const Sampling& sampling, float*) : sampling(sampling) {}

  void Make(int64_t row, float* rgb) {
    const double* m = sampling.geometry;
    const double v = static_cast<double>(row) + 0.5;
    for (int64_t i = 0; i < sampling.output; ++i, rgb += kChannels) {
      const double u = static_cast<double>(i) + 0.5;
      const double x = m[0] * u + m[1] * v + m[2];
      const double y = m[3] * u + m[4] * v + m[5];
      (sampling.nearest ? Nearest<Rgb>(sampling, x, y) : Bilinear<Rgb>(sampling, x, y)).Store(rgb);
    }
  }
};

// From 0–255 to 0–1: divided, since a product with 1/255 would round otherwise than PyTorch does.
void ToUnit(float* rgb, int64_t count) {
  const Vec white = Vec::Broadcast(255);
  for (int64_t i = 0; i < count; i += Vec::kLanes) (Vec::Load(rgb + i) / white).Store(rgb + i);
}

template <typename Rows, typename Out>
void SampleWith(const Sampling& sampling, int64_t begin, int64_t end, Out* out, float* scratch) {
  const int64_t count = sampling.output * kChannels;
  float* rgb = scratch;
  float* mixed = rgb + count + kPadding;
  Rows rows(sampling, mixed + count + kPadding);
  const ByChannel scale(sampling.scale);
  const ByChannel shift(sampling.shift);
  for (int64_t row = begin; row < end; ++row, out += count) {
    rows.Make(row, rgb);
    ToUnit(rgb, count);
    if (sampling.has_colour) Mix<Rgb>(sampling.colour, sampling.output, rgb, mixed);
    const float* const colours = sampling.has_colour ? mixed : rgb;
    StoreRow(count, out,
             [&](int64_t i, int k) { return Vec::Load(colours + i) * scale.of[k] + shift.of[k]; });
  }
}

template <typename Out>
void SampleTo(const Sampling& sampling, int64_t begin, int64_t end, Out* out, float* scratch) {
  const bool aligned = sampling.geometry[1] == 0 && sampling.geometry[3] == 0 && !sampling.nearest;
  if (aligned) {
    SampleWith<AlignedRows>(sampling, begin, end, out, scratch);
  } else {
    SampleWith<TurnedRows>(sampling, begin, end, out, scratch);
  }
}

void Sample(const Sampling& sampling, int64_t begin, int64_t end, PixelType type, void* out,
            float* scratch) {
  ToPixels(type, out, [&](auto* pixels) { SampleTo(sampling, begin, end, pixels, scratch); });
}

constexpr SampleKernel kKernel{Sample};

}  // namespace

}  // namespace torchgraft
