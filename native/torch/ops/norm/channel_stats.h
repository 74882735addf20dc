#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "torch/kernels/batch_norm/norm.h"
#include "torch/ops/norm/channel_sums.h"

namespace torchgraft {

// Of one channel.
struct Moments {
  double mean;
  double squares;  // Σ (x − mean)²
};
using BatchMoments = std::vector<Moments>;

// Takes the moments of a tensor's pixels, channels_last, by channel: in parts, on a thread each,
// which are put together in their order, so that they are the same each time. Those of what is
// being computed are taken while it is still in the cache.
class PixelMoments {
 public:
  PixelMoments(const at::Tensor& x, int64_t parts);

  // Adds pixels from `begin` to before `end` to a part. One is summed about what some of the first
  // of them are in the mean, or a mean far from zero would drown what varies.
  void Add(int64_t part, int64_t begin, int64_t end);

  BatchMoments All() const;

  // Pixels to compute before they are added, so that they are still in the cache.
  static int64_t Together(const at::Tensor& x);

 private:
  Moments Of(int64_t channel) const;

  NormKernels kernels_;
  const at::Tensor& x_;
  int64_t channels_;
  PerChannel about_;             // [part][channel]
  std::vector<double> sums_;     // [part][2][channel]: of x − about and of its square
  std::vector<int64_t> counts_;  // of pixels, by part
};

}  // namespace torchgraft
