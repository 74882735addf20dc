#include "torch/ops/norm/squeeze_excitation.h"

#include <ATen/ATen.h>

#include "torch/ops/autograd_function.h"
#include "torch/ops/norm/excitation_passes.h"

namespace torchgraft {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class ExcitationFunction : public torch::autograd::Function<ExcitationFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& w1,
                            const at::Tensor& b1, const at::Tensor& w2, const at::Tensor& b2,
                            const LayerKernels* device) {
    const auto passes = MakeExcitationPasses(x, device);
    const auto mean = passes->Mean(x);
    const auto squeezed = at::linear(mean, w1.flatten(1), b1).relu_();
    const auto weights = at::linear(squeezed, w2.flatten(1), b2).sigmoid_();
    context->save_for_backward({x, w1, w2, mean, squeezed, weights});
    context->saved_data["device"] = reinterpret_cast<int64_t>(device);
    return passes->Weighed(x, weights);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto& w1 = saved[1];
    const auto& w2 = saved[2];
    const auto& mean = saved[3];
    const auto& squeezed = saved[4];
    const auto& weights = saved[5];
    const auto dy = ChannelsLast(gradients[0]);
    const auto* device =
        reinterpret_cast<const LayerKernels*>(context->saved_data["device"].toInt());
    const auto passes = MakeExcitationPasses(x, device);
    // Of what goes into the sigmoid, and into the ReLU.
    const auto d2 = passes->OfLogits(x, dy, weights);
    const auto d1 = at::threshold_backward(d2.mm(w2.flatten(1)), squeezed, /*threshold=*/0);
    const auto d_mean = d1.mm(w1.flatten(1));
    return {passes->OfImages(dy, weights, d_mean),
            d1.t().mm(mean).view_as(w1),
            d1.sum(0),
            d2.t().mm(squeezed).view_as(w2),
            d2.sum(0),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor FusedExcitation(const at::Tensor& x, const at::Tensor& fc1_weight,
                           const at::Tensor& fc1_bias, const at::Tensor& fc2_weight,
                           const at::Tensor& fc2_bias, const LayerKernels* device) {
  const NoAutocast guard;
  return ExcitationFunction::apply(ChannelsLast(x), fc1_weight, fc1_bias, fc2_weight, fc2_bias,
                                   device);
}

}  // namespace torchgraft
