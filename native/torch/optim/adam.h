#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "torch/optim/options.h"

namespace torchgraft {

// A parameter and Adam's state for it, as torch.optim.Adam's state_dict names it.
struct AdamParameter {
  std::string name;
  at::Tensor value;
  at::Tensor exp_avg;
  at::Tensor exp_avg_sq;
  at::Tensor step;  // float32 scalar on the parameter's device, as the fused kernels need it
};

// The gradient scaler's inputs to the fused kernels: float32 scalars on the device, or undefined.
struct AmpScale {
  at::Tensor grad_scale = {};  // the gradients are divided by it
  at::Tensor found_inf = {};   // 1: a gradient is not finite, and the step is skipped
};

// torch.optim.Adam or AdamW (decoupled weight decay), with fused=True unless the options say
// otherwise. torch::optim::Adam of libtorch updates one tensor at a time, and is slower by half.
class Adam {
 public:
  explicit Adam(OptimizerOptions options)
      : options_(std::move(options)), groups_(options_.groups.size()) {}

  void Add(const std::string& name, const at::Tensor& value, size_t group);

  // The learning rate of the steps that follow; a group's is lr × its lr_scale. On a CUDA device
  // it is kept there in float32, so that a replayed CUDA graph reads the one that was set last.
  void SetLr(double lr);

  // Updates the parameters and clears their gradients.
  void Step(const AmpScale& amp = {});

  // The gradients of the parameters that have one, in their order: to read or change in place.
  std::vector<at::Tensor> Gradients() const;
  void ClearGradients();

  std::vector<at::Tensor> Values() const;

  // In the order in which they were added.
  const std::vector<AdamParameter>& parameters() const { return parameters_; }

 private:
  // A parameter group as the fused kernels take it: one list for each kind of tensor.
  struct GroupTensors {
    std::vector<at::Tensor> values;
    std::vector<at::Tensor> exp_avgs;
    std::vector<at::Tensor> exp_avg_sqs;
    std::vector<at::Tensor> steps;
    double lr = 0;
  };

  // torch.optim.Adam with foreach=False, its default on a CPU: the same operations in the same
  // order, so the same bits.
  void StepEach(const GroupTensors& tensors, const OptimizerOptions::Group& group) const;
  void StepGroup(size_t index, const AmpScale& amp) const;

  OptimizerOptions options_;
  std::vector<AdamParameter> parameters_;
  std::vector<GroupTensors> groups_;
  at::Tensor device_lr_;  // [groups], float32; undefined on the CPU, where lr is a double
};

}  // namespace torchgraft
