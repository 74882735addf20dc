#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "torch/kernels/batch_norm/norm.h"
#include "torch/ops/norm/channel_sums.h"

namespace torchgraft {

// Mean and spread of one channel over all pixels of a batch.
struct ChannelStats {
  double mean;
  double m2;  // Σ (x − mean)²: Welford's M2
};
using BatchStats = std::vector<ChannelStats>;  // by channel

// Sums for the statistics of each channel of x [n, channels, h, w], channels_last, float or bf16.
// The pixels are summed in parts, a thread each, and the parts merged in their order, so that equal
// splits give equal bytes. A convolution adds the pixels of its output chunk by chunk, while they
// are still in the cache.
class ChannelStatsSums {
 public:
  ChannelStatsSums(const at::Tensor& x, int64_t parts);

  // Adds pixels `begin` to `end` − 1 to a part. Its sums are of x − shift, where the shift is the
  // mean of a few of the part's first pixels: with a mean far from zero, Σ x² − (Σ x)² / n would
  // lose the digits that vary.
  void Add(int64_t part, int64_t begin, int64_t end);

  // All parts merged.
  BatchStats Merged() const;

  // How many pixels of x to compute before they are added: so many stay in the cache.
  static int64_t PixelsPerChunk(const at::Tensor& x);

 private:
  ChannelStats MergedChannel(int64_t channel) const;

  NormKernels kernels_;
  const at::Tensor& x_;
  int64_t channels_;
  PerChannel shift_;             // [part][channel]
  std::vector<double> sums_;     // [part][2][channel]: Σ (x − shift) and Σ (x − shift)²
  std::vector<int64_t> counts_;  // pixels of each part
};

}  // namespace torchgraft
