#include "torch/ops/norm/channel_stats.h"

#include <algorithm>

namespace torchgraft {

namespace {

// Half of the smallest second-level cache, beside what they are computed from.
constexpr int64_t kBytesTogether = 128 * 1024;

// Of a few pixels apart from each other: one alone may be a corner, whose sums lack what lies
// outside.
template <typename Element>
void MeanOfSome(const Element* x, int64_t channels, int64_t begin, int64_t end, float* mean) {
  constexpr int64_t kSome = 4;
  for (int64_t i = 0; i < kSome; ++i) {
    const Element* const pixel = x + (begin + (end - begin) * (2 * i + 1) / (2 * kSome)) * channels;
    for (int64_t c = 0; c < channels; ++c) mean[c] += static_cast<float>(pixel[c]) / kSome;
  }
}

}  // namespace

PixelMoments::PixelMoments(const at::Tensor& x, int64_t parts)
    : kernels_(BestNormKernels(x.scalar_type() == at::kBFloat16)),
      x_(x),
      channels_(x.size(1)),
      about_(parts, channels_),
      sums_(static_cast<size_t>(parts * 2 * channels_)),
      counts_(static_cast<size_t>(parts)) {}

void PixelMoments::Add(int64_t part, int64_t begin, int64_t end) {
  if (begin == end) return;
  float* const about = about_[part];
  if (counts_[part] == 0) {
    if (x_.scalar_type() == at::kBFloat16)
      MeanOfSome(x_.const_data_ptr<at::BFloat16>(), channels_, begin, end, about);
    else
      MeanOfSome(x_.const_data_ptr<float>(), channels_, begin, end, about);
  }
  counts_[part] += end - begin;
  AddRows(begin, end, channels_, sums_.data() + part * 2 * channels_,
          [&](int64_t from, int64_t to, float* sum, float* squares) {
            kernels_.sums(x_.const_data_ptr(), channels_, from, to, about, sum, squares);
          });
}

BatchMoments PixelMoments::All() const {
  BatchMoments all(static_cast<size_t>(channels_));
  for (int64_t c = 0; c < channels_; ++c) all[c] = Of(c);
  return all;
}

// Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm".
Moments PixelMoments::Of(int64_t channel) const {
  Moments all{0, 0};
  double count = 0;
  for (size_t part = 0; part < counts_.size(); ++part) {
    if (counts_[part] == 0) continue;
    const auto more = static_cast<double>(counts_[part]);
    const double* const sums = sums_.data() + static_cast<int64_t>(part) * 2 * channels_ + channel;
    const double off = sums[0] / more;
    const double squares = std::max(sums[channels_] - off * sums[0], 0.0);
    const double apart = about_[static_cast<int64_t>(part)][channel] + off - all.mean;
    all.squares += squares + apart * apart * count * more / (count + more);
    all.mean += apart * more / (count + more);
    count += more;
  }
  return all;
}

int64_t PixelMoments::Together(const at::Tensor& x) {
  return std::max<int64_t>(kBytesTogether / (x.size(1) * x.element_size()), kRowsInFloat);
}

}  // namespace torchgraft
