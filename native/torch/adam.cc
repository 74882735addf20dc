#include "adam.h"

#include <ATen/Functions.h>

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

void Adam::Step(double lr) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (!groups_[i].values.empty())
      StepGroup(groups_[i], options_.groups[i], lr * options_.groups[i].lr_scale);
  }
}

void Adam::StepGroup(const GroupTensors& tensors, const OptimizerOptions::Group& group, double lr) {
  std::vector<at::Tensor> gradients;
  gradients.reserve(tensors.values.size());
  for (const auto& value : tensors.values) {
    gradients.push_back(value.grad());
    value.mutable_grad().reset();
  }
  at::_foreach_add_(tensors.steps, 1);
  if (options_.decoupled) {
    at::_fused_adamw_(tensors.values, gradients, tensors.exp_avgs, tensors.exp_avg_sqs,
                      /*max_exp_avg_sqs=*/{}, tensors.steps, lr, options_.beta1, options_.beta2,
                      group.weight_decay, options_.eps,
                      /*amsgrad=*/false, /*maximize=*/false);
  } else {
    at::_fused_adam_(tensors.values, gradients, tensors.exp_avgs, tensors.exp_avg_sqs,
                     /*max_exp_avg_sqs=*/{}, tensors.steps, lr, options_.beta1, options_.beta2,
                     group.weight_decay, options_.eps,
                     /*amsgrad=*/false, /*maximize=*/false);
  }
}

}  // namespace torchgraft
