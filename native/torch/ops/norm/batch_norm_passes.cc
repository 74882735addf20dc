#include "torch/ops/norm/batch_norm_passes.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>

#include "torch/kernels/batch_norm/norm.h"
#include "torch/ops/norm/channel_sums.h"
#include "torch/ops/row_split.h"

namespace torchgraft {

namespace {

NormKernels KernelsFor(const at::Tensor& x) {
  return BestNormKernels(x.scalar_type() == at::kBFloat16);
}

enum Coefficient : int64_t { kMean, kScale, kBias, kInverse, kCoefficients };

// Two sums over all rows for each channel: [2][channels]. Those of the threads are added in order,
// so that the split alone decides how they are rounded.
template <typename Function>
std::vector<double> SumRows(int64_t rows, int64_t channels, const Function& add) {
  const RowSplit split(rows);
  const auto count = static_cast<size_t>(2 * channels);
  std::vector<double> sums(static_cast<size_t>(split.parts()) * count);
  split.Each([&](int64_t part, int64_t begin, int64_t end) {
    AddRows(begin, end, channels, sums.data() + static_cast<size_t>(part) * count, add);
  });
  for (size_t i = count; i < sums.size(); ++i) sums[i % count] += sums[i];
  sums.resize(count);
  return sums;
}

// Last rows first: the pass over all rows before this one has left them in the cache.
template <typename Function>
void OverRows(int64_t rows, const Function& function) {
  RowSplit(rows).Each([&](int64_t, int64_t begin, int64_t end) {
    for (int64_t row = begin + (end - begin - 1) / kRowsInFloat * kRowsInFloat; row >= begin;
         row -= kRowsInFloat)
      function(row, std::min(row + kRowsInFloat, end));
  });
}

int64_t Rows(const at::Tensor& x) { return x.numel() / x.size(1); }

BatchStats ComputeStats(const at::Tensor& x) {
  const RowSplit split(Rows(x));
  ChannelStatsSums sums(x, split.parts());
  split.Each([&](int64_t part, int64_t begin, int64_t end) { sums.Add(part, begin, end); });
  return sums.Merged();
}

PerChannel Coefficients(const at::Tensor& x, const NormState& norm) {
  const int64_t channels = x.size(1);
  const auto rows = static_cast<double>(Rows(x));
  const PerChannel numbers(kCoefficients, channels);
  const auto* weight = norm.weight.const_data_ptr<float>();
  const auto* bias = norm.bias.const_data_ptr<float>();
  auto* running_mean = norm.running_mean.data_ptr<float>();
  auto* running_var = norm.running_var.data_ptr<float>();
  BatchStats computed;
  if (norm.training && norm.stats.empty()) computed = ComputeStats(x);
  if (norm.training) norm.batches.add_(1);
  const auto& stats = norm.stats.empty() ? computed : norm.stats;
  const double momentum = norm.momentum;
  for (int64_t c = 0; c < channels; ++c) {
    double mean = running_mean[c];
    double var = running_var[c];
    if (norm.training) {
      const double unbiased = stats[c].m2 / (rows - 1);
      running_mean[c] = static_cast<float>(momentum * stats[c].mean + (1 - momentum) * mean);
      running_var[c] = static_cast<float>(momentum * unbiased + (1 - momentum) * var);
      mean = stats[c].mean;
      var = stats[c].m2 / rows;
    }
    const double inverse = 1 / std::sqrt(var + norm.eps);
    numbers[kMean][c] = static_cast<float>(mean);
    numbers[kScale][c] = static_cast<float>(weight[c] * inverse);
    numbers[kBias][c] = bias[c];
    numbers[kInverse][c] = static_cast<float>(inverse);
  }
  return numbers;
}

}  // namespace

Normed NormForwardPass(const at::Tensor& x, const NormState& norm, const at::Tensor& residual,
                       bool relu, bool remember) {
  const auto kernels = KernelsFor(x);
  const int64_t channels = x.size(1);
  const int64_t rows = Rows(x);
  const auto numbers = Coefficients(x, norm);
  Normed normed{at::empty_like(x), numbers.tensor(), {}};
  if (residual.defined() && remember) {
    const int64_t vectors = (channels + kernels.lanes - 1) / kernels.lanes;
    normed.relu_mask = at::empty({rows * vectors * ((kernels.lanes + 7) / 8)}, at::kByte);
  }
  const NormForward forward{
      .x = x.const_data_ptr(),
      .added = residual.defined() ? residual.const_data_ptr() : nullptr,
      .y = normed.y.data_ptr(),
      .relu_mask = normed.relu_mask.defined() ? normed.relu_mask.data_ptr<uint8_t>() : nullptr,
      .mean = numbers[kMean],
      .scale = numbers[kScale],
      .bias = numbers[kBias],
      .channels = channels,
      .relu = relu};
  OverRows(rows, [&](int64_t begin, int64_t end) { kernels.forward(forward, begin, end); });
  return normed;
}

NormGradients NormBackwardPass(const at::Tensor& x, const at::Tensor& weight, const Normed& normed,
                               const at::Tensor& dy, const at::Tensor& dy_shortcut, bool relu,
                               bool training) {
  const PerChannel numbers(normed.coefficients);
  const auto& relu_mask = normed.relu_mask;
  const int64_t channels = x.size(1);
  const int64_t rows = Rows(x);
  const PerChannel of(3, channels);
  const NormGradients gradients{.x = at::empty_like(x),
                                .weight = at::empty({channels}, at::kFloat),
                                .bias = at::empty({channels}, at::kFloat),
                                .residual = relu_mask.defined() ? at::empty_like(x) : at::Tensor()};
  const NormBackward norm{
      .x = x.const_data_ptr(),
      .dy = dy.const_data_ptr(),
      .dy_shortcut = dy_shortcut.defined() ? dy_shortcut.const_data_ptr() : nullptr,
      .relu_mask = relu_mask.defined() ? relu_mask.const_data_ptr<uint8_t>() : nullptr,
      .dz = relu_mask.defined() ? gradients.residual.data_ptr() : nullptr,
      .dx = gradients.x.data_ptr(),
      .mean = numbers[kMean],
      .scale = numbers[kScale],
      .bias = numbers[kBias],
      .coef_dz = of[0],
      .coef_x = of[1],
      .offset = of[2],
      .channels = channels,
      .relu = relu};
  const auto kernels = KernelsFor(x);
  const auto sums = SumRows(rows, channels, [&](int64_t begin, int64_t end, float* s, float* p) {
    kernels.gradient_sums(norm, begin, end, s, p);
  });
  auto* of_weight = gradients.weight.data_ptr<float>();
  auto* of_bias = gradients.bias.data_ptr<float>();
  for (int64_t c = 0; c < channels; ++c) {
    const double inverse = numbers[kInverse][c];
    const double scale = weight.const_data_ptr<float>()[c] * inverse;
    const double along = sums[channels + c] * inverse;
    of_weight[c] = static_cast<float>(along);
    of_bias[c] = static_cast<float>(sums[c]);
    of[0][c] = static_cast<float>(scale);
    if (!training) continue;  // running statistics do not depend on x
    const double of_x = -scale * inverse * along / static_cast<double>(rows);
    of[1][c] = static_cast<float>(of_x);
    of[2][c] = static_cast<float>(-scale * sums[c] / static_cast<double>(rows));
  }
  OverRows(rows, [&](int64_t begin, int64_t end) { kernels.gradient(norm, begin, end); });
  return gradients;
}

}  // namespace torchgraft
