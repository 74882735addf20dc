#include "adam.h"

#include <ATen/Functions.h>

#include <optional>

namespace torchgraft {

void Adam::Add(const std::string& name, const at::Tensor& value, size_t group) {
  const auto plain = value.detach();
  const AdamParameter parameter{
      .name = name,
      .value = value,
      .exp_avg = at::zeros_like(plain, at::MemoryFormat::Preserve),
      .exp_avg_sq = at::zeros_like(plain, at::MemoryFormat::Preserve),
      .step = at::zeros({}, plain.options()),
  };
  parameters_.push_back(parameter);
  auto& tensors = groups_.at(group);
  tensors.values.push_back(value);
  tensors.exp_avgs.push_back(parameter.exp_avg);
  tensors.exp_avg_sqs.push_back(parameter.exp_avg_sq);
  tensors.steps.push_back(parameter.step);
}

void Adam::Step(double lr, const AmpScale& amp) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (!groups_[i].values.empty())
      StepGroup(groups_[i], options_.groups[i], lr * options_.groups[i].lr_scale, amp);
  }
  ClearGradients();
}

std::vector<at::Tensor> Adam::Gradients() const {
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters_.size());
  for (const auto& parameter : parameters_) {
    if (parameter.value.grad().defined()) gradients.push_back(parameter.value.grad());
  }
  return gradients;
}

void Adam::ClearGradients() {
  for (const auto& parameter : parameters_) parameter.value.mutable_grad().reset();
}

void Adam::StepGroup(const GroupTensors& tensors, const OptimizerOptions::Group& group, double lr,
                     const AmpScale& amp) {
  std::vector<at::Tensor> gradients;
  gradients.reserve(tensors.values.size());
  for (const auto& value : tensors.values) gradients.push_back(value.grad());
  const auto optional = [](const at::Tensor& tensor) {
    return tensor.defined() ? std::optional(tensor) : std::nullopt;
  };
  const auto grad_scale = optional(amp.grad_scale);
  const auto found_inf = optional(amp.found_inf);
  at::_foreach_add_(tensors.steps, 1);
  if (options_.decoupled) {
    at::_fused_adamw_(tensors.values, gradients, tensors.exp_avgs, tensors.exp_avg_sqs,
                      /*max_exp_avg_sqs=*/{}, tensors.steps, lr, options_.beta1, options_.beta2,
                      group.weight_decay, options_.eps,
                      /*amsgrad=*/false, /*maximize=*/false, grad_scale, found_inf);
  } else {
    at::_fused_adam_(tensors.values, gradients, tensors.exp_avgs, tensors.exp_avg_sqs,
                     /*max_exp_avg_sqs=*/{}, tensors.steps, lr, options_.beta1, options_.beta2,
                     group.weight_decay, options_.eps,
                     /*amsgrad=*/false, /*maximize=*/false, grad_scale, found_inf);
  }
  // The kernels leave the counters to us: a step that was passed over is none.
  if (found_inf)
    at::_foreach_sub_(tensors.steps, std::vector<at::Tensor>(tensors.steps.size(), *found_inf));
}

}  // namespace torchgraft
