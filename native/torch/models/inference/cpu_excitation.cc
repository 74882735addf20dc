#include "torch/models/inference/cpu_excitation.h"

#include <algorithm>
#include <cmath>

#include "torch/kernels/batch_norm/norm.h"
#include "torch/ops/norm/channel_sums.h"
#include "torch/ops/row_split.h"

namespace torchgraft {

namespace {

std::vector<float> Floats(const at::Tensor& tensor) {
  const auto floats = tensor.to(at::kFloat).contiguous();
  const auto* const first = floats.const_data_ptr<float>();
  return {first, first + floats.numel()};
}

}  // namespace

CpuExcitation::CpuExcitation(const ExcitationWeights& weights)
    : channels_(weights.fc1_weight.size(1)),
      squeezed_(weights.fc1_weight.size(0)),
      fc1_weight_(Floats(weights.fc1_weight.t())),
      fc1_bias_(Floats(weights.fc1_bias)),
      fc2_weight_(Floats(weights.fc2_weight.t())),
      fc2_bias_(Floats(weights.fc2_bias)) {}

void CpuExcitation::Weights(const double* means, float* squeezed, float* weights) const {
  std::copy(fc1_bias_.begin(), fc1_bias_.end(), squeezed);
  for (int64_t c = 0; c < channels_; ++c) {
    const auto mean = static_cast<float>(means[c]);
    const float* const row = fc1_weight_.data() + c * squeezed_;
    for (int64_t s = 0; s < squeezed_; ++s) squeezed[s] += mean * row[s];
  }
  std::copy(fc2_bias_.begin(), fc2_bias_.end(), weights);
  for (int64_t s = 0; s < squeezed_; ++s) {
    if (squeezed[s] <= 0) continue;  // ReLU, which lets through what is not a number
    const float* const row = fc2_weight_.data() + s * channels_;
    for (int64_t c = 0; c < channels_; ++c) weights[c] += squeezed[s] * row[c];
  }
  for (int64_t c = 0; c < channels_; ++c) weights[c] = 1 / (1 + std::exp(-weights[c]));
}

void CpuExcitation::Weigh(at::Tensor& x) const {
  const NormKernels& kernels = BestNormKernels(x.scalar_type() == at::kBFloat16);
  const int64_t rows = x.size(2) * x.size(3);
  void* const data = x.mutable_data_ptr();
  RowSplit(x.size(0)).Each([&](int64_t, int64_t first, int64_t last) {
    const auto width = static_cast<size_t>(Padded(channels_));
    const std::vector<float> zeros(width);
    std::vector<float> weights(width);
    std::vector<float> squeezed(static_cast<size_t>(squeezed_));
    std::vector<double> sums(static_cast<size_t>(2 * channels_));
    for (int64_t image = first; image < last; ++image) {
      const int64_t begin = image * rows;
      std::fill(sums.begin(), sums.end(), 0.0);
      AddRows(begin, begin + rows, channels_, sums.data(),
              [&](int64_t from, int64_t to, float* sum, float* squares) {
                kernels.sums(data, channels_, from, to, zeros.data(), sum, squares);
              });
      for (double& sum : sums) sum /= static_cast<double>(rows);
      Weights(sums.data(), squeezed.data(), weights.data());
      const ScaleRows weighing{.x = data,
                               .y = data,
                               .scale = weights.data(),
                               .offset = zeros.data(),
                               .channels = channels_};
      kernels.scale_rows(weighing, begin, begin + rows);
    }
  });
}

}  // namespace torchgraft
