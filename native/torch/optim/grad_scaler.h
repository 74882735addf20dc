#pragma once

#include <torch/types.h>

#include <vector>

#include "torch/optim/adam.h"
#include "torch/optim/options.h"
#include "torch/session/named_tensor.h"

namespace torchgraft {

// torch.amp.GradScaler for one optimizer: scales the loss so that small gradients do not underflow
// in fp16, and skips steps whose gradients are not finite. Its state lives on the device, and
// nothing here waits for it.
//
// A step is Scale, backward, perhaps Unscale, Step, Update. Another order throws std::logic_error
// in PyTorch's words.
class GradScaler {
 public:
  GradScaler(const GradScalerOptions& options, at::Device device);

  at::Tensor Scale(const at::Tensor& loss) const;

  // Divides the optimizer's gradients by the scale, so that they can be clipped before the step.
  void Unscale(Adam& adam);

  // Steps the optimizer unless a gradient is not finite.
  void Step(Adam& adam);

  // Grows the scale after growth_interval good steps in a row, and shrinks it after a bad one.
  void Update();

  // Resets the stage after an error within a step.
  void Abandon();

  // float32 scalars on the device.
  const at::Tensor& scale() const { return scale_; }
  const at::Tensor& found_inf() const { return found_inf_; }  // of the step under way: 0 or 1

  // The five entries of PyTorch's state_dict.
  std::vector<NamedTensor> State() const;

 private:
  enum class Stage { kReady, kUnscaled, kStepped };

  void Check(Adam& adam, const at::Tensor& inverse_scale);

  Stage stage_ = Stage::kReady;
  bool checked_ = false;
  at::Tensor scale_;
  at::Tensor growth_tracker_;  // int32, as the kernel needs it
  at::Tensor found_inf_;
  // Scalars on the CPU. float32, so that saving and loading them changes no bit.
  at::Tensor growth_factor_;
  at::Tensor backoff_factor_;
  at::Tensor growth_interval_;
};

}  // namespace torchgraft
