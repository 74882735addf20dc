#include "torch/optim/adam.h"

#include <ATen/Functions.h>

#include <cmath>
#include <optional>

#include "torch/session/transfer.h"

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

void Adam::SetLr(double lr) {
  for (size_t i = 0; i < groups_.size(); ++i) groups_[i].lr = lr * options_.groups[i].lr_scale;
  const auto device = parameters_.empty() ? at::kCPU : parameters_.front().value.device();
  if (!device.is_cuda()) return;
  const auto lrs = at::empty({static_cast<int64_t>(groups_.size())}, at::kFloat);
  for (size_t i = 0; i < groups_.size(); ++i)
    lrs.data_ptr<float>()[i] = static_cast<float>(groups_[i].lr);
  if (!device_lr_.defined()) device_lr_ = at::empty_like(lrs, at::device(device));
  device_lr_.copy_(ToDevice(lrs, device));
}

void Adam::Step(const AmpScale& amp) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].values.empty()) continue;
    if (options_.fused || amp.grad_scale.defined() || amp.found_inf.defined()) {
      StepGroup(i, amp);
    } else {
      StepEach(groups_[i], options_.groups[i]);
    }
  }
  ClearGradients();
}

std::vector<at::Tensor> Adam::Values() const {
  std::vector<at::Tensor> values;
  values.reserve(parameters_.size());
  for (const auto& parameter : parameters_) values.push_back(parameter.value);
  return values;
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

void Adam::StepEach(const GroupTensors& tensors, const OptimizerOptions::Group& group) const {
  const double lr = tensors.lr;
  for (size_t i = 0; i < tensors.values.size(); ++i) {
    const auto& value = tensors.values[i];
    const auto& exp_avg = tensors.exp_avgs[i];
    const auto& exp_avg_sq = tensors.exp_avg_sqs[i];
    auto gradient = value.grad();
    tensors.steps[i].add_(1);
    if (options_.decoupled) {
      value.mul_(1 - lr * group.weight_decay);
    } else if (group.weight_decay != 0) {
      gradient = gradient.add(value, group.weight_decay);
    }
    exp_avg.lerp_(gradient, 1 - options_.beta1);
    exp_avg_sq.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
    const auto step = tensors.steps[i].item<double>();
    const double correction1 = 1 - std::pow(options_.beta1, step);
    const double correction2 = std::sqrt(1 - std::pow(options_.beta2, step));
    const auto denominator = exp_avg_sq.sqrt().div_(correction2).add_(options_.eps);
    value.addcdiv_(exp_avg, denominator, -lr / correction1);
  }
}

void Adam::StepGroup(size_t index, const AmpScale& amp) const {
  const auto& tensors = groups_[index];
  const auto& group = options_.groups[index];
  std::vector<at::Tensor> gradients;
  gradients.reserve(tensors.values.size());
  for (const auto& value : tensors.values) gradients.push_back(value.grad());
  const auto optional = [](const at::Tensor& tensor) {
    return tensor.defined() ? std::optional(tensor) : std::nullopt;
  };
  const auto grad_scale = optional(amp.grad_scale);
  const auto found_inf = optional(amp.found_inf);
  at::_foreach_add_(tensors.steps, 1);
  const auto step = [&](const auto& lr) {
    const auto kernel = [&](auto function) {
      function(tensors.values, gradients, tensors.exp_avgs, tensors.exp_avg_sqs,
               /*max_exp_avg_sqs=*/at::TensorList{}, tensors.steps, lr, options_.beta1,
               options_.beta2, group.weight_decay, options_.eps, /*amsgrad=*/false,
               /*maximize=*/false, grad_scale, found_inf);
    };
    if (options_.decoupled) {
      kernel([](auto&&... arguments) { at::_fused_adamw_(arguments...); });
    } else {
      kernel([](auto&&... arguments) { at::_fused_adam_(arguments...); });
    }
  };
  if (device_lr_.defined()) {
    step(device_lr_[static_cast<int64_t>(index)]);
  } else {
    step(tensors.lr);
  }
  // The fused kernels do not count: a skipped step must not count either.
  if (found_inf)
    at::_foreach_sub_(tensors.steps, std::vector<at::Tensor>(tensors.steps.size(), *found_inf));
}

}  // namespace torchgraft
