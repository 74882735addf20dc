#include "torch/ops/norm/batch_norm.h"

#include <optional>
#include <utility>

#include "torch/ops/autograd_function.h"
#include "torch/ops/norm/batch_norm_cuda.h"

namespace torchgraft {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Normed ForwardPass(const at::Tensor& x, const NormState& norm, const at::Tensor& residual,
                   bool relu, bool remember) {
  return norm.device ? DeviceNormForward(*norm.device, x, norm, residual, relu, remember)
                     : NormForwardPass(x, norm, residual, relu, remember);
}

class NormFunction : public torch::autograd::Function<NormFunction> {
 public:
  // `weight` and `bias` are the norm's, given apart so that autograd sees them.
  static variable_list forward(AutogradContext* context, const at::Tensor& x,
                               const at::Tensor& weight, const at::Tensor& bias,
                               const std::optional<at::Tensor>& residual, const NormState& norm,
                               bool relu, bool branches) {
    NormState state = norm;
    state.weight = weight;
    state.bias = bias;
    const auto normed =
        ForwardPass(x, state, residual.value_or(at::Tensor()), relu, /*remember=*/true);
    context->set_materialize_grads(false);
    context->save_for_backward({x, weight, normed.coefficients, normed.relu_mask});
    context->saved_data["relu"] = relu;
    context->saved_data["training"] = norm.training;
    context->saved_data["device"] = reinterpret_cast<int64_t>(norm.device);
    if (!branches) return {normed.y};
    return {normed.y, normed.y.variable_data()};  // no view, or the two would be one to autograd
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto dy = gradients[0];
    auto dy_shortcut = gradients.size() > 1 ? gradients[1] : at::Tensor();
    if (!dy.defined()) std::swap(dy, dy_shortcut);
    variable_list result(7);
    if (!dy.defined()) return result;
    const auto saved = context->get_saved_variables();
    const Normed normed{.y = {}, .coefficients = saved[2], .relu_mask = saved[3]};
    const auto* device =
        reinterpret_cast<const LayerKernels*>(context->saved_data["device"].toInt());
    const bool relu = context->saved_data["relu"].toBool();
    const bool training = context->saved_data["training"].toBool();
    dy = ChannelsLast(dy);
    if (dy_shortcut.defined()) dy_shortcut = ChannelsLast(dy_shortcut);
    const auto of =
        device ? DeviceNormBackward(*device, saved[0], saved[1], normed, dy, dy_shortcut, relu,
                                    training)
               : NormBackwardPass(saved[0], saved[1], normed, dy, dy_shortcut, relu, training);
    result[0] = of.x;
    result[1] = of.weight;
    result[2] = of.bias;
    result[3] = of.residual;
    return result;
  }
};

variable_list Apply(const at::Tensor& x, const NormState& norm, const at::Tensor& residual,
                    bool relu, bool branches) {
  const NoAutocast guard;
  const auto rows = ChannelsLast(x);
  const auto shortcut =
      residual.defined() ? ChannelsLast(residual.to(rows.scalar_type())) : residual;
  const auto has_grad = [](const at::Tensor& t) { return t.defined() && t.requires_grad(); };
  if (!at::GradMode::is_enabled() ||
      !(has_grad(rows) || has_grad(norm.weight) || has_grad(norm.bias) || has_grad(shortcut)))
    return {ForwardPass(rows, norm, shortcut, relu, /*remember=*/false).y};
  const auto optional = shortcut.defined() ? std::optional(shortcut) : std::nullopt;
  return NormFunction::apply(rows, norm.weight, norm.bias, optional, norm, relu, branches);
}

}  // namespace

bool CanFuseNorm(const at::Tensor& x, const LayerKernels* device) {
  if (device) return device->Takes(x);
  return x.is_cpu() && x.numel() > 0 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

at::Tensor FusedNorm(const at::Tensor& x, const NormState& norm, const at::Tensor& residual,
                     bool relu) {
  return Apply(x, norm, residual, relu, /*branches=*/false)[0];
}

ResidualBranches FusedNormBranches(const at::Tensor& x, const NormState& norm,
                                   const at::Tensor& residual, bool relu) {
  const auto outputs = Apply(x, norm, residual, relu, /*branches=*/true);
  return outputs.size() > 1 ? ResidualBranches(outputs[0], outputs[1])
                            : ResidualBranches(outputs[0]);
}

}  // namespace torchgraft
