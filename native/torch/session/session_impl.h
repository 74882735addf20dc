#pragma once

#include <c10/core/DeviceGuard.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/util/Exception.h>
#include <torch/types.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "torch/augment/render_device.h"
#include "torch/cuda/graphs/recorded_steps.h"
#include "torch/cuda/layers/layer_kernels.h"
#include "torch/memory/caching_allocator.h"
#include "torch/models/inference/folded_model.h"
#include "torch/models/model.h"
#include "torch/optim/adam.h"
#include "torch/optim/grad_scaler.h"
#include "torch/session/cudnn_benchmark.h"
#include "torch/session/data_parallel.h"
#include "torch/session/session.h"
#include "torch/session/state_dict.h"
#include "torch/session/transfer.h"

namespace torchgraft {

// The label of a row that is no image of the batch. The model's rows do not influence each other in
// evaluation mode, so whatever pixels it has, only its own scores are of no use.
inline constexpr int64_t kPaddingLabel = -100;

// What tensors of this precision are of.
at::ScalarType ComputeType(Precision precision);

// What a session holds, and the parts that its steps are made of. On the engine thread.
struct Session::Impl {
  explicit Impl(const SessionOptions& options);

  // The engine's thread and its settings are shared by all sessions: each call sets them as its own
  // wants them, for as long as this lives. A device's work goes to a stream of the engine's own,
  // since the default one cannot be recorded.
  class Entered {
   public:
    explicit Entered(const Impl& impl);

   private:
    c10::DeviceGuard device_;
    CudnnBenchmark benchmark_;
    std::optional<c10::StreamGuard> stream_;
  };

  // Labels on the device.
  at::Tensor Labels(const Batch& batch) const;

  // Images as the model takes them in a precision: [n, 3, output, output].
  at::Tensor Pixels(const Images& images, Precision precision) const;

  // Pixels → logits [n, classes], float32, under the autocast of a precision.
  at::Tensor Forward(const at::Tensor& pixels, Precision precision);

  // Images or pixels → logits, in the precision of scoring; pixels after FoldModel.
  at::Tensor Score(const Images& images);
  at::Tensor Score(const at::Tensor& pixels);
  Precision ScoringPrecision() const;

  // The whole step. What was asked for with `read` is on its way to the host: loss, correct,
  // skipped, scale.
  std::optional<HostCopy> Train(const Batch& batch, bool read);

  // The same where it is this rank's share of a batch. `images` grows by the whole batch's.
  std::optional<HostCopy> TrainShare(const Batch& batch, bool read, int64_t& images);

  // A batch's scores as StepInputs has them, padded to one of few shapes, recorded or not. None:
  // this session records nothing.
  std::optional<HostCopy> ScorePadded(const Batch& batch);

  std::vector<std::string> DeviceNotes() const;

  // Makes the folded model of the state as it is, where it is not made yet and can be.
  void FoldModel();

  // Before the model's state changes.
  void InvalidateFolded() { folded.reset(); }

  // Runs a step; out of memory, once more after freeing the recorded steps (CUDA graphs), which
  // keep their memory between steps.
  template <typename Step>
  auto RetryWithoutRecorded(const Step& step) {
    try {
      return step();
    } catch (const c10::OutOfMemoryError&) {
      if (!DropRecorded()) throw;
    }
    return step();
  }

  // Before the optimizer's state changes: the scaler's factors are constants of a recorded step.
  void DropRecordedScaler() {
    if (training && scaler) training->Forget();
  }

  // backward → clipping → optimizer → scaler
  void BackwardAndStep(const at::Tensor& loss);

  // Drops gradients, and the scaler's state between them and its update, that an error in the step
  // before may have left.
  void DiscardPartialStep();

  at::Tensor Scale() const;
  std::vector<NamedTensor> State(StatePart part) const;

  // Before what takes memory, so that it ends after that.
  std::optional<CachingAllocatorLease> allocator;
  SessionOptions options;
  at::Device device;
  std::optional<c10::Stream> stream;                  // none on the CPU
  std::optional<DeviceRenderer> renderer;             // none on the CPU
  std::unique_ptr<PixelCache> pixel_cache;            // what batches brought to stay
  std::shared_ptr<const LayerKernels> layer_kernels;  // none on the CPU, and with plain kernels
  Adam adam;
  std::shared_ptr<SyncedRanks> synced;  // of a group whose ranks share batch norm's statistics
  std::shared_ptr<Model> model;
  std::unique_ptr<FoldedLayers> layers;   // of `folded`; null: scoring goes the way of training
  std::optional<FoldedModel> folded;      // made when it is asked for, of the model's state
  std::string folding_problem;            // why there is none, in words; empty while all is well
  std::optional<GradScaler> scaler;       // fp16 only
  at::Tensor class_weights;               // undefined: none
  TrainSums counts;                       // of the unread steps: what is known without the device
  at::Tensor sums;                        // of the unread steps: [loss, correct]
  at::Tensor skipped;                     // steps that the scaler skipped since the last read
  at::Tensor report;                      // of a recorded step: sums, skipped, scale
  std::optional<DataParallel> parallel;   // of a group
  std::optional<RecordedSteps> training;  // none on the CPU, with plain kernels, or one not fused
  std::optional<RecordedSteps> scoring;
  std::deque<c10::Event> ended;  // the last recorded steps that nobody reads

 private:
  at::Tensor Loss(const at::Tensor& logits, const at::Tensor& labels) const;
  // The mean loss of a share's images, and how many the model has right.
  at::Tensor ShareLoss(const Batch& batch, at::Tensor& correct);
  void SyncBuffers() const;
  RecordedSteps::Parts TrainingParts(const StepInputs& inputs);
  RecordedSteps::Parts ScoringParts(const StepInputs& inputs);
  void Fill(const StepInputs& inputs, const Batch& batch) const;
  std::unique_ptr<FoldedLayers> MakeFoldedLayers() const;
  bool DropRecorded();
  // Waits until at most a few unread steps are under way: launching is quick, so a caller that
  // reads none would get far ahead of the device, and each waiting batch takes pinned memory.
  void LimitStepsAhead();
  void AddParameters();
  std::vector<NamedTensor> TrainingState() const;
};

}  // namespace torchgraft
