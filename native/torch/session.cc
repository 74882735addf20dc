#include "session.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>

#include <limits>
#include <optional>

#include "adam.h"
#include "augment.h"
#include "augment_on_device.h"
#include "autocast.h"
#include "clip_norm.h"
#include "error.h"
#include "grad_scaler.h"
#include "regnet.h"
#include "state_dict.h"
#include "transfer.h"

namespace torchgraft {

namespace {

at::ScalarType ComputeType(Precision precision) {
  switch (precision) {
    case Precision::kBf16:
      return at::kBFloat16;
    case Precision::kFp16:
      return at::kHalf;
    case Precision::kFp32:
      return at::kFloat;
  }
  throw CodedError("ERR_PRECISION", "Expected a known precision");
}

// Weights whose memory is NHWC make activations NHWC.
void UseChannelsLast(RegNet& model) {
  for (auto& parameter : model->parameters()) {
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

void CheckLabels(const Batch& batch, int64_t classes) {
  if (batch.labels.size() != static_cast<size_t>(batch.images.size())) {
    throw CodedError("ERR_BATCH_SHAPE", "Expected " + std::to_string(batch.images.size()) +
                                            " labels, one a picture, but received " +
                                            std::to_string(batch.labels.size()));
  }
  for (const int32_t label : batch.labels) {
    if (label < 0 || label >= classes) {
      throw CodedError("ERR_BATCH_SHAPE", "Expected labels from 0 to " +
                                              std::to_string(classes - 1) + " but received " +
                                              std::to_string(label));
    }
  }
}

// Σ loss × pictures and Σ correct, on the device.
at::Tensor StepSums(const at::Tensor& loss, const at::Tensor& logits, const at::Tensor& labels) {
  const at::NoGradGuard no_grad;
  const auto correct = logits.argmax(1).eq(labels).sum();
  return at::stack({loss.to(at::kDouble) * labels.size(0), correct.to(at::kDouble)});
}

}  // namespace

std::vector<StateEntry> DescribeModel(const std::string& model, int64_t classes) {
  return Describe(StateDict(
      *RegNet(FindVariant(model), classes, Making{.device = at::kMeta, .generator = {}})));
}

struct Session::Impl {
  explicit Impl(const SessionOptions& options)
      : options(options), device(options.device), adam(options.optimizer), model(Make(options)) {
    if (options.freeze_batch_norm) model->FreezeBatchNorm();
    model->to(device);
    if (options.channels_last) UseChannelsLast(model);
    if (!options.class_weights.empty())
      class_weights = at::tensor(options.class_weights).to(device);
    if (options.precision == Precision::kFp16) scaler.emplace(options.scaler, device);
    AddParameters();
    sums = at::zeros({2}, at::device(device).dtype(at::kDouble));
    skipped = at::zeros({}, at::device(device).dtype(at::kLong));
  }

  static RegNet Make(const SessionOptions& options) {
    const auto generator =
        at::detail::createCPUGenerator(options.seed);  // the global one is the user's
    return RegNet(FindVariant(options.model), options.classes,
                  Making{.device = at::kCPU, .generator = generator});
  }

  void AddParameters() {
    size_t i = 0;
    for (auto& [name, tensor, trainable] : StateDict(*model)) {
      if (!trainable) continue;
      if (i == options.group_of.size())
        throw CodedError("ERR_ARGUMENT", "Expected a group for each parameter");
      const int32_t group = options.group_of[i++];
      tensor.set_requires_grad(group >= 0);
      if (group >= 0) adam.Add(name, tensor, static_cast<size_t>(group));
    }
    if (adam.parameters().empty())
      throw CodedError("ERR_ARGUMENT", "Expected at least one parameter in training");
  }

  // The engine's thread and its settings are shared by all sessions: each call sets them as its own
  // wants them.
  c10::DeviceGuard Enter() const {
    if (at::get_num_threads() != options.threads)
      at::set_num_threads(static_cast<int>(options.threads));
    return c10::DeviceGuard(device);
  }

  at::Tensor Forward(const Images& images) {
    const auto type = ComputeType(options.precision);
    auto pixels = device.is_cpu() ? RenderBatch(images, type) : RenderBatchOn(device, images, type);
    if (!options.channels_last) pixels = pixels.contiguous();
    const AutocastGuard autocast(device.type(), type != at::kFloat, type);
    return model->forward(pixels).to(at::kFloat);
  }

  at::Tensor Labels(const Batch& batch) const {
    return ToDevice(at::tensor(at::ArrayRef<int32_t>(batch.labels), at::kLong), device);
  }

  // backward → clipping → optimizer → scaler
  void Learn(const at::Tensor& loss, double lr) {
    if (!scaler) {
      loss.backward();
      if (options.clip_norm > 0) ClipGradNorm(adam.Gradients(), options.clip_norm);
      adam.Step(lr);
      return;
    }
    scaler->Scale(loss).backward();
    if (options.clip_norm > 0) {
      scaler->Unscale(adam);
      ClipGradNorm(adam.Gradients(), options.clip_norm);
    }
    scaler->Step(adam, lr);
    scaler->Update();
    skipped += scaler->found_inf().to(at::kLong);
  }

  // Drops what an error may have left of the step before.
  void ForgetUnfinished() {
    adam.ClearGradients();
    if (scaler) scaler->Abandon();
  }

  at::Tensor Scale() const {
    return scaler ? scaler->scale().to(at::kDouble) : at::ones({}, sums.options());
  }

  std::vector<NamedTensor> TrainingState() const {
    std::vector<NamedTensor> state;
    for (const auto& parameter : adam.parameters()) {
      state.push_back({"optimizer.exp_avg." + parameter.name, parameter.exp_avg, false});
      state.push_back({"optimizer.exp_avg_sq." + parameter.name, parameter.exp_avg_sq, false});
      state.push_back({"optimizer.step." + parameter.name, parameter.step, false});
    }
    if (scaler) {
      for (const auto& entry : scaler->State()) state.push_back(entry);
      state.push_back({"scaler.skipped", skipped, false});
    }
    return state;
  }

  std::vector<NamedTensor> State(StatePart part) const {
    return part == StatePart::kModel ? StateDict(*model) : TrainingState();
  }

  SessionOptions options;
  at::Device device;
  Adam adam;
  RegNet model;
  std::optional<GradScaler> scaler;  // fp16 only
  at::Tensor class_weights;          // undefined: none
  TrainSums counts;                  // of the unread steps: what is known without the device
  at::Tensor sums;                   // of the unread steps: [loss, correct]
  at::Tensor skipped;                // steps passed over that nobody was told of
};

Session::Session(const SessionOptions& options) {
  at::set_num_threads(static_cast<int>(options.threads));
  impl_ = std::make_unique<Impl>(options);
}

Session::~Session() {
  const auto device = impl_->device;
  impl_.reset();
  if (device.is_cpu()) return;
  try {
    at::accelerator::emptyCache();  // what the model held is other programs' again
  } catch (const std::exception&) {
    // A device in error keeps its memory until the process ends.
  }
}

int64_t Session::num_parameters() const {
  int64_t count = 0;
  for (const auto& parameter : impl_->model->parameters()) count += parameter.numel();
  return count;
}

std::vector<StateEntry> Session::Layout(StatePart part) const {
  return Describe(impl_->State(part));
}

TrainSums Session::TrainStep(const Batch& batch, double lr, bool read) {
  CheckImages(batch.images);
  CheckLabels(batch, impl_->options.classes);
  const auto entered = impl_->Enter();
  impl_->ForgetUnfinished();
  const auto labels = impl_->Labels(batch);

  impl_->model->train();
  const auto logits = impl_->Forward(batch.images);
  const auto loss =
      at::cross_entropy_loss(logits, labels, impl_->class_weights, at::Reduction::Mean,
                             /*ignore_index=*/-100, impl_->options.label_smoothing);
  TrainSums counts = impl_->counts;
  counts.steps += 1;
  counts.images += batch.images.size();
  const auto sums = impl_->sums + StepSums(loss, logits, labels);
  const auto skipped = impl_->skipped.clone();
  // Asked for before the backward pass, so that reading does not wait for it.
  std::optional<HostCopy> copy;
  if (read) copy.emplace(at::cat({sums, at::stack({skipped.to(at::kDouble), impl_->Scale()})}));

  impl_->Learn(loss, lr);
  if (!read) {
    impl_->counts = counts;
    impl_->sums = sums;
    return {};
  }
  impl_->counts = {};
  impl_->sums = at::zeros_like(sums);
  impl_->skipped -= skipped;
  const auto* numbers = copy->Wait().const_data_ptr<double>();
  counts.loss = numbers[0];
  counts.correct = static_cast<int64_t>(numbers[1]);
  counts.skipped = static_cast<int64_t>(numbers[2]);
  counts.scale = numbers[3];
  return counts;
}

EvalResult Session::EvalStep(const Batch& batch) {
  CheckImages(batch.images);
  const bool labelled = !batch.labels.empty();
  if (labelled) CheckLabels(batch, impl_->options.classes);
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  EvalResult result{.loss = kUnknown, .correct = kUnknown, .logits = {}};

  const auto entered = impl_->Enter();
  const c10::InferenceMode inference;
  impl_->model->eval();
  const auto logits = impl_->Forward(batch.images);
  if (labelled) {
    const auto labels = impl_->Labels(batch);
    result.loss = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum).item<double>();
    result.correct = logits.argmax(1).eq(labels).sum().item<double>();
  }
  const auto plain = logits.cpu().contiguous();
  result.logits.assign(plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
  return result;
}

void Session::ReadState(StatePart part, uint8_t* into, size_t bytes) const {
  const auto entered = impl_->Enter();
  CopyOut(impl_->State(part), into, bytes);
}

void Session::WriteState(StatePart part, const uint8_t* from, size_t bytes) {
  const auto entered = impl_->Enter();
  CopyIn(impl_->State(part), from, bytes);
}

}  // namespace torchgraft
