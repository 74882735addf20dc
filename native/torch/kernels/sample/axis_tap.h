#pragma once

#include <cstdint>

namespace torchgraft {

// Two source pixels and their weights, for one row or column of a grid.
struct AxisTap {
  int64_t first;
  int64_t second;
  float first_weight;
  float second_weight;
};

namespace {

// Of the i-th along an axis of `source` pixels, through i ↦ scale · (i + ½) + shift: PyTorch's
// `interpolate`, whose product and sum are rounded once. A product of floats is exact in double.
[[maybe_unused]] AxisTap AxisTapAt(float scale, float shift, int64_t i, int64_t source) {
  const auto place =
      static_cast<float>(static_cast<double>(scale) * (static_cast<float>(i) + 0.5f) + shift);
  const auto last = static_cast<float>(source - 1);
  const float within = place < 0 ? 0 : place > last ? last : place;
  // A float holds no integer beyond 2^24 exactly: the last pixel's may round up, out of the source.
  const auto reached = static_cast<int64_t>(within);
  const int64_t first = reached < source - 1 ? reached : source - 1;
  const float weight = within - static_cast<float>(first);
  return {first, first < source - 1 ? first + 1 : first, 1 - weight, weight};
}

}  // namespace

}  // namespace torchgraft
