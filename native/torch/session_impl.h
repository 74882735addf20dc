#pragma once

#include <c10/core/DeviceGuard.h>
#include <torch/types.h>

#include <optional>
#include <vector>

#include "adam.h"
#include "caching_allocator.h"
#include "device_renderer.h"
#include "grad_scaler.h"
#include "regnet.h"
#include "session.h"
#include "state_dict.h"

namespace torchgraft {

// What a session holds, and the parts that its steps are made of. On the engine thread.
struct Session::Impl {
  explicit Impl(const SessionOptions& options);

  // The engine's thread and its settings are shared by all sessions: each call sets them as its own
  // wants them.
  c10::DeviceGuard Enter() const;

  // Labels on the device.
  at::Tensor Labels(const Batch& batch) const;

  // Pictures → logits [n, classes], float32, under the autocast of a precision.
  at::Tensor Forward(const Images& images, Precision precision);

  // The same without gradients, in the precision of scoring.
  at::Tensor Score(const Images& images);

  // Before the model's state changes.
  void ForgetFolded() { folded.reset(); }

  // backward → clipping → optimizer → scaler
  void Learn(const at::Tensor& loss, double lr);

  // Drops what an error may have left of the step before.
  void ForgetUnfinished();

  at::Tensor Scale() const;
  std::vector<NamedTensor> State(StatePart part) const;

  // Before what takes memory, so that it ends after that.
  std::optional<CachingAllocatorLease> allocator;
  SessionOptions options;
  at::Device device;
  std::optional<DeviceRenderer> renderer;  // none on the CPU
  Adam adam;
  RegNet model;
  std::optional<FoldedRegNet> folded;  // made when it is asked for, of the model's state
  bool folds;                          // else scoring goes the way of training
  std::optional<GradScaler> scaler;    // fp16 only
  at::Tensor class_weights;            // undefined: none
  TrainSums counts;                    // of the unread steps: what is known without the device
  at::Tensor sums;                     // of the unread steps: [loss, correct]
  at::Tensor skipped;                  // steps passed over that nobody was told of

 private:
  void AddParameters();
  std::vector<NamedTensor> TrainingState() const;
};

}  // namespace torchgraft
