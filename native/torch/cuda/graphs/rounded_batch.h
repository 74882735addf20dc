#pragma once

#include <bit>
#include <cstdint>

namespace torchgraft {

// The size that a batch of n images is padded to for scoring, so that batches of any sizes take a
// few CUDA graphs: n up to 16, from there on a multiple of an eighth of the power of two below it.
// So at most one row in nine is padding, 1 to 32 images are 24 sizes, and usual batch sizes are
// their own.
constexpr int64_t RoundedBatch(int64_t n) {
  if (n <= 16) return n;
  const auto below = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(n)));
  const int64_t step = below / 8;
  return (n + step - 1) / step * step;
}

}  // namespace torchgraft
