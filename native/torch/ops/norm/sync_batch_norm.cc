#include "torch/ops/norm/sync_batch_norm.h"

#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include "torch/ops/autograd_function.h"

namespace torchgraft {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Σ over all ranks. Each of them uses the sum, so the gradient of a rank's summand is the sum of
// all ranks' gradients.
class SumOverRanks : public torch::autograd::Function<SumOverRanks> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& summand,
                            const SyncedRanks& ranks) {
    context->saved_data["ranks"] = reinterpret_cast<int64_t>(&ranks);
    return Sum(summand, ranks);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto* ranks = reinterpret_cast<const SyncedRanks*>(context->saved_data["ranks"].toInt());
    return {Sum(gradients[0], *ranks), at::Tensor()};
  }

 private:
  static at::Tensor Sum(const at::Tensor& summand, const SyncedRanks& ranks) {
    auto sum = summand.clone(at::MemoryFormat::Contiguous);
    ranks.all_reduce(sum);
    return sum;
  }
};

constexpr int64_t kPixels[] = {0, 2, 3};  // all dimensions but the channels'

void Follow(const at::Tensor& running, const at::Tensor& batch, double momentum) {
  running.mul_(1 - momentum).add_(batch.to(running.scalar_type()), momentum);
}

}  // namespace

at::Tensor SyncBatchNorm(const at::Tensor& x, const NormState& norm, const SyncedRanks& ranks) {
  const NoAutocast guard;
  const int64_t channels = x.size(1);
  const auto values = x.to(at::kFloat);
  const double counted = ranks.counts ? 1 : 0;
  const auto per_channel = [&](const at::Tensor& numbers) {
    return numbers.to(at::kFloat).view({1, channels, 1, 1});
  };
  const auto sum = [&](const at::Tensor& numbers) {
    return numbers.sum(kPixels, /*keepdim=*/false, at::kDouble) * counted;
  };
  const auto rows = at::full({1}, counted * static_cast<double>(x.numel() / channels),
                             x.options().dtype(at::kDouble));
  const auto totals = SumOverRanks::apply(at::cat({sum(values), rows}), ranks);
  const auto count = totals.slice(0, channels).detach();
  const auto mean = totals.slice(0, 0, channels) / count;
  const auto centred = values - per_channel(mean);
  const auto squares = SumOverRanks::apply(sum(centred.square()), ranks);
  const auto inverse = (squares / count + norm.eps).rsqrt();
  {
    const at::NoGradGuard no_grad;
    Follow(norm.running_mean, mean, norm.momentum);
    Follow(norm.running_var, squares / (count - 1), norm.momentum);
  }
  return (centred * per_channel(inverse * norm.weight) + per_channel(norm.bias))
      .to(x.scalar_type());
}

}  // namespace torchgraft
