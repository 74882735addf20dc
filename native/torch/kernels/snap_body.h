#pragma once

// The inside of plans that snap, compiled once for each level: see vec.h. Rounded where PyTorch
// rounds, so that its bits come out: colours are divided by 255 before they are blended, of a blend
// the second product is rounded and the rest is rounded once.

#include "last_two_rows.h"
#include "mirror.h"
#include "rgb.h"
#include "sample_colours.h"
#include "snap.h"

namespace torchgraft {

namespace {

Rgb Unit(Rgb bytes) { return bytes / Rgb::All(255); }

Rgb Blend(Rgb first, float first_weight, Rgb second, float second_weight) {
  return FusedMulAdd(first, Rgb::All(first_weight), second * Rgb::All(second_weight));
}

// A row of the source. Pixels are read four bytes at a time, which would lead beyond the picture's
// last one: in the last row (`kIsLast`) byte by byte.
template <bool kIsLast>
Rgb Across(const uint8_t* source, const AxisTap& tap) {
  const auto at = [&](int64_t x) {
    const uint8_t* pixel = source + x * kChannels;
    return Unit(kIsLast ? Rgb::Of(pixel[0], pixel[1], pixel[2]) : Rgb::Load(pixel));
  };
  return Blend(at(tap.first), tap.first_weight, at(tap.second), tap.second_weight);
}

const uint8_t* SourceRow(const Snapping& snapping, int64_t y) {
  return snapping.pixels + y * snapping.width * kChannels;
}

// Each pixel of the output is its own of the grid, and none lies around it: each row is two rows of
// the source, blended to the output's columns once, blended.
class AlignedRows {
 public:
  AlignedRows(const Snapping& snapping, float* scratch)
      : snapping_(snapping),
        made_(scratch, scratch + kChannels * snapping.output + kPadding / 2) {}

  void Make(int64_t row) {
    const AxisTap& tap = snapping_.rows[Mirror(row, snapping_.grid_height)];
    first_ = Blended(tap.first);
    second_ = Blended(tap.second);
    first_weight_ = Vec::All(tap.first_weight);
    second_weight_ = Vec::All(tap.second_weight);
  }

  Vec At(int64_t i) const {
    return FusedMulAdd(Vec::Load(first_ + i), first_weight_,
                       Vec::Load(second_ + i) * second_weight_);
  }

 private:
  const float* Blended(int64_t y) {
    return made_.Of(SourceRow(snapping_, y), [&](const uint8_t* source, float* row) {
      y + 1 == snapping_.height ? Make<true>(source, row) : Make<false>(source, row);
    });
  }

  template <bool kIsLast>
  void Make(const uint8_t* source, float* row) const {
    const int64_t output = snapping_.output;
    const int64_t within = output < snapping_.grid_width ? output : snapping_.grid_width;
    for (int64_t i = 0; i < within; ++i) {
      Across<kIsLast>(source, snapping_.columns[i]).Store(row + i * kChannels);
    }
    for (int64_t i = within; i < output; ++i) {
      Across<kIsLast>(source, snapping_.columns[Mirror(i, snapping_.grid_width)])
          .Store(row + i * kChannels);
    }
  }

  const Snapping& snapping_;
  LastTwoRows made_;
  const float* first_ = nullptr;
  const float* second_ = nullptr;
  Vec first_weight_;
  Vec second_weight_;
};

// Anything else: each pixel by itself.
class PlacedRows {
 public:
  PlacedRows(const Snapping& snapping, float* scratch)
      : snapping_(snapping),
        border_(Rgb::Of(snapping.border[0], snapping.border[1], snapping.border[2])),
        rgb_(scratch),
        places_(reinterpret_cast<int32_t*>(scratch + kChannels * snapping.output + kPadding)) {}

  void Make(int64_t row) {
    Place(row);
    float* rgb = rgb_;
    for (int64_t i = 0; i < snapping_.output; ++i, rgb += kChannels) {
      At(places_[2 * i], places_[2 * i + 1]).Store(rgb);
    }
  }

  Vec At(int64_t i) const { return Vec::Load(rgb_ + i); }

 private:
  void Place(int64_t row) {
    const int64_t output = snapping_.output;
    if (snapping_.places == nullptr) {
      for (int64_t i = 0; i < output; ++i) {
        places_[2 * i] = static_cast<int32_t>(i);
        places_[2 * i + 1] = static_cast<int32_t>(row);
      }
      return;
    }
    const float* places = snapping_.places + 2 * output * row;
    int64_t i = 0;
    for (; i + Vec::kLanes <= 2 * output; i += Vec::kLanes) {
      StoreAs(Vec::Load(places + i), places_ + i);
    }
    if (i < 2 * output) {
      StoreAs(Vec::Load(places + i, static_cast<int>(2 * output - i)), places_ + i);
    }
  }

  Rgb At(int64_t x, int64_t y) const {
    const int64_t width = snapping_.grid_width;
    const int64_t height = snapping_.grid_height;
    if (x < 0 || x >= width || y < 0 || y >= height) {
      if (!snapping_.reflect) return border_;
      x = Mirror(x, width);
      y = Mirror(y, height);
    }
    const AxisTap& column = snapping_.columns[x];
    const AxisTap& row = snapping_.rows[y];
    return row.second + 1 == snapping_.height ? Within<true>(column, row)
                                              : Within<false>(column, row);
  }

  template <bool kIsLast>
  Rgb Within(const AxisTap& column, const AxisTap& row) const {
    return Blend(Across<kIsLast>(SourceRow(snapping_, row.first), column), row.first_weight,
                 Across<kIsLast>(SourceRow(snapping_, row.second), column), row.second_weight);
  }

  const Snapping& snapping_;
  Rgb border_;
  float* rgb_;
  int32_t* places_;
};

template <typename Rows, typename Out>
void SnapWith(const Snapping& snapping, int64_t begin, int64_t end, Out* out, float* scratch) {
  const int64_t count = snapping.output * kChannels;
  float* const rgb = scratch;
  float* const mixed = rgb + count + kPadding;
  Rows rows(snapping, mixed + count + kPadding);
  const ByChannel mean(snapping.mean);
  const ByChannel std(snapping.std);
  for (int64_t row = begin; row < end; ++row, out += count) {
    rows.Make(row);
    if (snapping.has_colour) {
      for (int64_t i = 0; i < count; i += Vec::kLanes) rows.At(i).Store(rgb + i);
      Mix(snapping.colour, snapping.output, rgb, mixed);
      StoreRow(count, out, [&](int64_t i, int k) {
        return (Vec::Load(mixed + i) - mean.of[k]) / std.of[k];
      });
    } else {
      StoreRow(count, out,
               [&](int64_t i, int k) { return (rows.At(i) - mean.of[k]) / std.of[k]; });
    }
  }
}

void Snap(const Snapping& snapping, int64_t begin, int64_t end, PixelType type, void* out,
          float* scratch) {
  const bool all_within =
      snapping.output <= snapping.grid_width && snapping.output <= snapping.grid_height;
  const bool aligned = snapping.places == nullptr && (snapping.reflect || all_within);
  ToPixels(type, out, [&](auto* pixels) {
    if (aligned) {
      SnapWith<AlignedRows>(snapping, begin, end, pixels, scratch);
    } else {
      SnapWith<PlacedRows>(snapping, begin, end, pixels, scratch);
    }
  });
}

}  // namespace

}  // namespace torchgraft
