#pragma once

// The kernel kResample, of plans that snap. Rounded where PyTorch
// rounds, so that its bits come out.

#include "torch/kernels/resample/resample.h"
#include "torch/kernels/resample/resample_blend.h"
#include "torch/kernels/resample/resample_taps.h"
#include "torch/kernels/sample/last_two_rows.h"
#include "torch/kernels/sample/mirror.h"
#include "torch/kernels/sample/sample_colours.h"

namespace torchgraft {

namespace {

const uint8_t* SourceRow(const Resampling& resampling, int64_t y) {
  return resampling.pixels + y * resampling.width * kChannels;
}

// Each pixel of the output is its own of the grid, and none lies around it: each row is two rows of
// the source, blended to the output's columns once, blended.
class AlignedRows {
 public:
  AlignedRows(const Resampling& resampling, float* scratch)
      : resampling_(resampling),
        made_(scratch, scratch + kChannels * resampling.output + kPadding / 2) {}

  void Make(int64_t row) {
    const AxisTap& tap = resampling_.rows[Mirror(row, resampling_.grid_height)];
    first_ = Blended(tap.first);
    second_ = Blended(tap.second);
    first_weight_ = Vec::Broadcast(tap.first_weight);
    second_weight_ = Vec::Broadcast(tap.second_weight);
  }

  Vec At(int64_t i) const {
    return FusedMulAdd(Vec::Load(first_ + i), first_weight_,
                       Vec::Load(second_ + i) * second_weight_);
  }

 private:
  const float* Blended(int64_t y) {
    return made_.Of(SourceRow(resampling_, y), [&](const uint8_t* source, float* row) {
      y + 1 == resampling_.height ? Make<true>(source, row) : Make<false>(source, row);
    });
  }

  template <bool kIsLast>
  void Make(const uint8_t* source, float* row) const {
    const int64_t output = resampling_.output;
    const int64_t within = output < resampling_.grid_width ? output : resampling_.grid_width;
    const auto make = [&](int64_t i, const AxisTap& tap) {
      Blend(Unit(Pixel<kIsLast>(source + tap.first * kChannels)), tap.first_weight,
            Unit(Pixel<kIsLast>(source + tap.second * kChannels)), tap.second_weight)
          .Store(row + i * kChannels);
    };
    for (int64_t i = 0; i < within; ++i) make(i, resampling_.columns[i]);
    for (int64_t i = within; i < output; ++i) {
      make(i, resampling_.columns[Mirror(i, resampling_.grid_width)]);
    }
  }

  const Resampling& resampling_;
  LastTwoRows made_;
  const float* first_ = nullptr;
  const float* second_ = nullptr;
  Vec first_weight_;
  Vec second_weight_;
};

// Anything else: each pixel by itself.
class PlacedRows {
  static constexpr int64_t kAhead = 8;  // rows
  static constexpr int64_t kApart = 8;  // pixels, which mostly share a line of the cache

 public:
  PlacedRows(const Resampling& resampling, float* scratch)
      : resampling_(resampling),
        border_(Rgb::Of(resampling.border[0], resampling.border[1], resampling.border[2])),
        rgb_(scratch),
        places_(reinterpret_cast<int32_t*>(scratch + kChannels * resampling.output + kPadding)) {
    float halves[Vec::kLanes];
    for (int i = 0; i < Vec::kLanes; ++i) {
      halves[i] =
          static_cast<float>(i % 2 == 0 ? resampling.grid_width : resampling.grid_height) / 2;
    }
    halves_ = Vec::Load(halves);
  }

  void Make(int64_t row) {
    Fetch(row + kAhead);
    Place(row);
    float* rgb = rgb_;
    for (int64_t i = 0; i < resampling_.output; ++i, rgb += kChannels) {
      At(places_[2 * i], places_[2 * i + 1]).Store(rgb);
    }
  }

  Vec At(int64_t i) const { return Vec::Load(rgb_ + i); }

 private:
  void Place(int64_t row) {
    const int64_t output = resampling_.output;
    if (resampling_.places == nullptr) {
      for (int64_t i = 0; i < output; ++i) {
        places_[2 * i] = static_cast<int32_t>(i);
        places_[2 * i + 1] = static_cast<int32_t>(row);
      }
      return;
    }
    const float* places = resampling_.places + 2 * output * row;
    const auto place = [&](Vec normalized, int32_t* to) {
      StoreAs((normalized + Vec::Broadcast(1)) * halves_ - Vec::Broadcast(0.5f), to);
    };
    int64_t i = 0;
    for (; i + Vec::kLanes <= 2 * output; i += Vec::kLanes) {
      place(Vec::Load(places + i), places_ + i);
    }
    if (i < 2 * output) {
      place(Vec::Load(places + i, static_cast<int>(2 * output - i)), places_ + i);
    }
  }

  // Asks memory for what a later row takes: a slanting line, which no processor foresees. Inlined,
  // or GCC leaves out the call of a function that changes nothing.
  [[gnu::always_inline]] void Fetch(int64_t row) const {
    if (resampling_.places == nullptr || row >= resampling_.output) return;
    const auto width = static_cast<float>(resampling_.grid_width);
    const auto height = static_cast<float>(resampling_.grid_height);
    const float* place = resampling_.places + 2 * resampling_.output * row;
    for (int64_t i = 0; i < resampling_.output; i += kApart, place += 2 * kApart) {
      const float x = (place[0] + 1) * width / 2;
      const float y = (place[1] + 1) * height / 2;
      if (!(x >= 0 && x < width && y >= 0 && y < height)) continue;
      __builtin_prefetch(SourceRow(resampling_, resampling_.rows[static_cast<int64_t>(y)].second) +
                         resampling_.columns[static_cast<int64_t>(x)].first * kChannels);
    }
  }

  Rgb At(int64_t x, int64_t y) const {
    const int64_t width = resampling_.grid_width;
    const int64_t height = resampling_.grid_height;
    if (x < 0 || x >= width || y < 0 || y >= height) {
      if (!resampling_.reflect) return border_;
      x = Mirror(x, width);
      y = Mirror(y, height);
    }
    const AxisTap& column = resampling_.columns[x];
    const AxisTap& row = resampling_.rows[y];
    return row.second + 1 == resampling_.height ? Within<true>(column, row)
                                                : Within<false>(column, row);
  }

  // Both rows are blended across at once.
  template <bool kIsLast>
  Rgb Within(const AxisTap& column, const AxisTap& row) const {
    const uint8_t* upper = SourceRow(resampling_, row.first);
    const uint8_t* lower = SourceRow(resampling_, row.second);
    const auto at = [&](int64_t x) {
      return Unit(Pixels<kIsLast>(upper + x * kChannels, lower + x * kChannels));
    };
    const RgbPair across =
        Blend(at(column.first), column.first_weight, at(column.second), column.second_weight);
    return Blend(across.Low(), row.first_weight, across.High(), row.second_weight);
  }

  const Resampling& resampling_;
  Rgb border_;
  float* rgb_;
  int32_t* places_;  // x, y of the grid
  Vec halves_;       // of its width and height
};

template <typename Rows, typename Out>
void ResampleWith(const Resampling& resampling, int64_t begin, int64_t end, Out* out,
                  float* scratch) {
  const int64_t count = resampling.output * kChannels;
  float* const rgb = scratch;
  float* const mixed = rgb + count + kPadding;
  Rows rows(resampling, mixed + count + kPadding);
  const ByChannel mean(resampling.mean);
  const ByChannel std(resampling.std);
  for (int64_t row = begin; row < end; ++row, out += count) {
    rows.Make(row);
    if (resampling.has_colour) {
      for (int64_t i = 0; i < count; i += Vec::kLanes) rows.At(i).Store(rgb + i);
      Mix<Rgb>(resampling.colour, resampling.output, rgb, mixed);
      StoreRow(count, out,
               [&](int64_t i, int k) { return (Vec::Load(mixed + i) - mean.of[k]) / std.of[k]; });
    } else {
      StoreRow(count, out, [&](int64_t i, int k) { return (rows.At(i) - mean.of[k]) / std.of[k]; });
    }
  }
}

void Resample(const Resampling& resampling, int64_t begin, int64_t end, PixelType type, void* out,
              float* scratch) {
  const bool all_within =
      resampling.output <= resampling.grid_width && resampling.output <= resampling.grid_height;
  const bool aligned = resampling.places == nullptr && (resampling.reflect || all_within);
  ToPixels(type, out, [&](auto* pixels) {
    if (aligned) {
      ResampleWith<AlignedRows>(resampling, begin, end, pixels, scratch);
    } else {
      ResampleWith<PlacedRows>(resampling, begin, end, pixels, scratch);
    }
  });
}

constexpr ResampleKernel kKernel{Resample};

}  // namespace

}  // namespace torchgraft
