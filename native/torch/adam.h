#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "session.h"

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

  // Applies and drops the gradients. Each group's learning rate is lr × its scale.
  void Step(double lr, const AmpScale& amp = {});

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
  };

  // torch.optim.Adam as it is by default on a CPU: the same operations in the same order, so the
  // same numbers to the last bit.
  void StepEach(const GroupTensors& tensors, const OptimizerOptions::Group& group, double lr) const;
  void StepGroup(const GroupTensors& tensors, const OptimizerOptions::Group& group, double lr,
                 const AmpScale& amp);

  OptimizerOptions options_;
  std::vector<AdamParameter> parameters_;
  std::vector<GroupTensors> groups_;
};

}  // namespace torchgraft
