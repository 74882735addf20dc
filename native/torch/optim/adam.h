#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "torch/session/session.h"

namespace torchgraft {

// A parameter in training, and the state that Adam keeps of it.
struct AdamParameter {
  std::string name;
  at::Tensor value;
  at::Tensor exp_avg;
  at::Tensor exp_avg_sq;
  at::Tensor step;  // float32, on the parameter's device: the fused kernels want it so
};

// What a scaler tells the fused kernels: float32 scalars on the device, or undefined.
struct AmpScale {
  at::Tensor grad_scale = {};  // the gradients are divided by it
  at::Tensor found_inf = {};   // 1: the step is passed over
};

// torch.optim.Adam or AdamW, with fused=True unless told otherwise: libtorch's own class updates
// one tensor at a time, and is slower by half.
class Adam {
 public:
  explicit Adam(OptimizerOptions options)
      : options_(std::move(options)), groups_(options_.groups.size()) {}

  void Add(const std::string& name, const at::Tensor& value, size_t group);

  // Of the steps that follow: each group's learning rate is lr × its scale. On a CUDA device it
  // lies there in float32, so that a recorded step reads the one that was set last.
  void SetLr(double lr);

  // Applies and drops the gradients.
  void Step(const AmpScale& amp = {});

  // Of the parameters that have one, in their order: to read or to change in place.
  std::vector<at::Tensor> Gradients() const;
  void ClearGradients();

  // In the order in which they were added.
  const std::vector<AdamParameter>& parameters() const { return parameters_; }

 private:
  // A group as the fused kernels take it: one list for each kind of tensor.
  struct GroupTensors {
    std::vector<at::Tensor> values;
    std::vector<at::Tensor> exp_avgs;
    std::vector<at::Tensor> exp_avg_sqs;
    std::vector<at::Tensor> steps;
    double lr = 0;
  };

  // torch.optim.Adam as it is by default on a CPU: the same operations in the same order, so the
  // same numbers to the last bit.
  void StepEach(const GroupTensors& tensors, const OptimizerOptions::Group& group) const;
  void StepGroup(size_t index, const AmpScale& amp) const;

  OptimizerOptions options_;
  std::vector<AdamParameter> parameters_;
  std::vector<GroupTensors> groups_;
  at::Tensor device_lr_;  // [groups], float32: undefined on the CPU, which takes them in double
};

}  // namespace torchgraft
