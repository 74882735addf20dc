#include "torch/ops/norm/batch_norm.h"

#include <optional>
#include <utility>

#include "torch/ops/autograd_function.h"
#include "torch/ops/norm/batch_norm_cuda.h"

namespace torchgraft {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Normed ForwardPass(const at::Tensor& x, const NormState& norm, const at::Tensor& added, bool relu,
                   bool remember) {
  return norm.device ? norm.device->Forward(x, norm, added, relu, remember)
                     : NormForwardPass(x, norm, added, relu, remember);
}

class NormFunction : public torch::autograd::Function<NormFunction> {
 public:
  // `weight` and `bias` are the norm's, given apart so that autograd sees them.
  static variable_list forward(AutogradContext* context, const at::Tensor& x,
                               const at::Tensor& weight, const at::Tensor& bias,
                               const std::optional<at::Tensor>& added, const NormState& norm,
                               bool relu, bool forked) {
    NormState state = norm;
    state.weight = weight;
    state.bias = bias;
    const auto normed =
        ForwardPass(x, state, added.value_or(at::Tensor()), relu, /*remember=*/true);
    context->set_materialize_grads(false);
    context->save_for_backward({x, weight, normed.coefficients, normed.passed});
    context->saved_data["relu"] = relu;
    context->saved_data["learns"] = norm.learns;
    context->saved_data["device"] = reinterpret_cast<int64_t>(norm.device);
    if (!forked) return {normed.y};
    return {normed.y, normed.y.variable_data()};  // no view, or the two would be one to autograd
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto dy = gradients[0];
    auto more = gradients.size() > 1 ? gradients[1] : at::Tensor();
    if (!dy.defined()) std::swap(dy, more);
    variable_list result(7);
    if (!dy.defined()) return result;
    const auto saved = context->get_saved_variables();
    const Normed normed{.y = {}, .coefficients = saved[2], .passed = saved[3]};
    const auto* device = reinterpret_cast<const DeviceNorm*>(context->saved_data["device"].toInt());
    const bool relu = context->saved_data["relu"].toBool();
    const bool learns = context->saved_data["learns"].toBool();
    dy = ChannelsLast(dy);
    if (more.defined()) more = ChannelsLast(more);
    const auto of = device ? device->Backward(saved[0], saved[1], normed, dy, more, relu, learns)
                           : NormBackwardPass(saved[0], saved[1], normed, dy, more, relu, learns);
    result[0] = of.x;
    result[1] = of.weight;
    result[2] = of.bias;
    result[3] = of.added;
    return result;
  }
};

variable_list Apply(const at::Tensor& x, const NormState& norm, const at::Tensor& added, bool relu,
                    bool forked) {
  const NoAutocast guard;
  const auto rows = ChannelsLast(x);
  const auto more = added.defined() ? ChannelsLast(added.to(rows.scalar_type())) : added;
  const auto learns = [](const at::Tensor& t) { return t.defined() && t.requires_grad(); };
  if (!at::GradMode::is_enabled() ||
      !(learns(rows) || learns(norm.weight) || learns(norm.bias) || learns(more)))
    return {ForwardPass(rows, norm, more, relu, /*remember=*/false).y};
  const auto optional = more.defined() ? std::optional(more) : std::nullopt;
  return NormFunction::apply(rows, norm.weight, norm.bias, optional, norm, relu, forked);
}

}  // namespace

bool CanFuseNorm(const at::Tensor& x, const DeviceNorm* device) {
  if (device) return device->Takes(x);
  return x.is_cpu() && x.numel() > 0 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

at::Tensor FusedNorm(const at::Tensor& x, const NormState& norm, const at::Tensor& added,
                     bool relu) {
  return Apply(x, norm, added, relu, /*forked=*/false)[0];
}

ResidualBranches FusedNormBranches(const at::Tensor& x, const NormState& norm,
                                   const at::Tensor& added, bool relu) {
  const auto outputs = Apply(x, norm, added, relu, /*forked=*/true);
  return outputs.size() > 1 ? ResidualBranches(outputs[0], outputs[1])
                            : ResidualBranches(outputs[0]);
}

}  // namespace torchgraft
