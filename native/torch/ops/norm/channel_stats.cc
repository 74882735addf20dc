#include "torch/ops/norm/channel_stats.h"

#include <algorithm>

namespace torchgraft {

namespace {

// Half of the smallest second-level cache: the other half is for what the pixels are computed from.
constexpr int64_t kChunkBytes = 128 * 1024;

// The mean of four pixels that lie apart: a single one may be a corner, where a convolution's sums
// lack the pixels outside the image.
template <typename Element>
void MeanOfFew(const Element* x, int64_t channels, int64_t begin, int64_t end, float* mean) {
  constexpr int64_t kFew = 4;
  for (int64_t i = 0; i < kFew; ++i) {
    const Element* const pixel = x + (begin + (end - begin) * (2 * i + 1) / (2 * kFew)) * channels;
    for (int64_t c = 0; c < channels; ++c) mean[c] += static_cast<float>(pixel[c]) / kFew;
  }
}

}  // namespace

ChannelStatsSums::ChannelStatsSums(const at::Tensor& x, int64_t parts)
    : kernels_(BestNormKernels(x.scalar_type() == at::kBFloat16)),
      x_(x),
      channels_(x.size(1)),
      shift_(parts, channels_),
      sums_(static_cast<size_t>(parts * 2 * channels_)),
      counts_(static_cast<size_t>(parts)) {}

void ChannelStatsSums::Add(int64_t part, int64_t begin, int64_t end) {
  if (begin == end) return;
  float* const shift = shift_[part];
  if (counts_[part] == 0) {
    if (x_.scalar_type() == at::kBFloat16)
      MeanOfFew(x_.const_data_ptr<at::BFloat16>(), channels_, begin, end, shift);
    else
      MeanOfFew(x_.const_data_ptr<float>(), channels_, begin, end, shift);
  }
  counts_[part] += end - begin;
  AddRows(begin, end, channels_, sums_.data() + part * 2 * channels_,
          [&](int64_t from, int64_t to, float* sum, float* squares) {
            kernels_.sums(x_.const_data_ptr(), channels_, from, to, shift, sum, squares);
          });
}

BatchStats ChannelStatsSums::Merged() const {
  BatchStats all(static_cast<size_t>(channels_));
  for (int64_t c = 0; c < channels_; ++c) all[c] = MergedChannel(c);
  return all;
}

// Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm".
ChannelStats ChannelStatsSums::MergedChannel(int64_t channel) const {
  ChannelStats all{0, 0};
  double count = 0;
  for (size_t part = 0; part < counts_.size(); ++part) {
    if (counts_[part] == 0) continue;
    const auto part_count = static_cast<double>(counts_[part]);
    const double* const sums = sums_.data() + static_cast<int64_t>(part) * 2 * channels_ + channel;
    const double off = sums[0] / part_count;
    const double m2 = std::max(sums[channels_] - off * sums[0], 0.0);
    const double delta = shift_[static_cast<int64_t>(part)][channel] + off - all.mean;
    all.m2 += m2 + delta * delta * count * part_count / (count + part_count);
    all.mean += delta * part_count / (count + part_count);
    count += part_count;
  }
  return all;
}

int64_t ChannelStatsSums::PixelsPerChunk(const at::Tensor& x) {
  return std::max<int64_t>(kChunkBytes / (x.size(1) * x.element_size()), kRowsInFloat);
}

}  // namespace torchgraft
