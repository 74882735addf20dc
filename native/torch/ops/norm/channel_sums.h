#pragma once

#include <ATen/Functions.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "torch/kernels/batch_norm/norm.h"

namespace torchgraft {

// Rows that are summed in float before they are added up in double.
constexpr int64_t kRowsInFloat = 256;

inline int64_t Padded(int64_t channels) {
  return (channels + kNormPadding - 1) / kNormPadding * kNormPadding;
}

// Numbers of each channel, a row for each kind, zeros at each row's end.
class PerChannel {
 public:
  PerChannel(int64_t kinds, int64_t channels)
      : width_(Padded(channels)), numbers_(at::zeros({kinds, width_}, at::kFloat)) {}
  explicit PerChannel(const at::Tensor& numbers) : width_(numbers.size(1)), numbers_(numbers) {}

  float* operator[](int64_t kind) const { return numbers_.data_ptr<float>() + kind * width_; }
  const at::Tensor& tensor() const { return numbers_; }

 private:
  int64_t width_;
  at::Tensor numbers_;
};

// Adds two sums over some rows for each channel to [2][channels]. add(begin, end, sum, other) adds
// those of a few rows in float.
template <typename Function>
void AddRows(int64_t begin, int64_t end, int64_t channels, double* sums, const Function& add) {
  const auto width = Padded(channels);
  std::vector<float> some(static_cast<size_t>(2 * width));
  for (int64_t row = begin; row < end; row += kRowsInFloat) {
    std::fill(some.begin(), some.end(), 0.0f);
    add(row, std::min(row + kRowsInFloat, end), some.data(), some.data() + width);
    for (int64_t c = 0; c < channels; ++c) {
      sums[c] += some[c];
      sums[channels + c] += some[width + c];
    }
  }
}

}  // namespace torchgraft
