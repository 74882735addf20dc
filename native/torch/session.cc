#include "session.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <limits>
#include <optional>

#include "adam.h"
#include "augment.h"
#include "autocast.h"
#include "error.h"
#include "regnet.h"
#include "state_dict.h"

namespace torchgraft {

namespace {

// Weights whose memory is NHWC make activations NHWC, which is faster on CPUs.
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
    UseChannelsLast(model);
    if (!options.class_weights.empty())
      class_weights = at::tensor(options.class_weights).to(device);
    AddParameters();
    ResetSums();
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

  void ResetSums() {
    sums = {};
    loss_sum = at::zeros({}, at::device(device).dtype(at::kDouble));
    correct_sum = at::zeros({}, at::device(device).dtype(at::kLong));
  }

  at::Tensor Forward(const Images& images) {
    const bool bf16 = options.precision == Precision::kBf16;
    const auto pixels = RenderBatch(images, bf16 ? at::kBFloat16 : at::kFloat).to(device);
    const AutocastGuard autocast(device.type(), bf16, at::kBFloat16);
    return model->forward(pixels).to(at::kFloat);
  }

  at::Tensor Labels(const Batch& batch) const {
    return at::tensor(at::ArrayRef<int32_t>(batch.labels), at::kLong).to(device);
  }

  TrainSums ReadSums() {
    TrainSums read = sums;
    read.loss = loss_sum.item<double>();
    read.correct = correct_sum.item<int64_t>();
    ResetSums();
    return read;
  }

  std::vector<NamedTensor> TrainingState() const {
    std::vector<NamedTensor> state;
    for (const auto& parameter : adam.parameters()) {
      state.push_back({"optimizer.exp_avg." + parameter.name, parameter.exp_avg, false});
      state.push_back({"optimizer.exp_avg_sq." + parameter.name, parameter.exp_avg_sq, false});
      state.push_back({"optimizer.step." + parameter.name, parameter.step, false});
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
  at::Tensor class_weights;  // undefined: none
  TrainSums sums;
  at::Tensor loss_sum;
  at::Tensor correct_sum;
};

Session::Session(const SessionOptions& options) {
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  impl_ = std::make_unique<Impl>(options);
}

Session::~Session() = default;

int64_t Session::num_parameters() const {
  int64_t count = 0;
  for (const auto& parameter : impl_->model->parameters()) count += parameter.numel();
  return count;
}

std::vector<StateEntry> Session::Layout(StatePart part) const {
  return Describe(impl_->State(part));
}

TrainSums Session::TrainStep(const Batch& batch, double lr, bool read) {
  auto& [options, device, adam, model, class_weights, sums, loss_sum, correct_sum] = *impl_;
  CheckImages(batch.images);
  CheckLabels(batch, options.classes);
  const int64_t size = batch.images.size();
  const auto labels = impl_->Labels(batch);

  model->train();
  const auto logits = impl_->Forward(batch.images);
  const auto loss = at::cross_entropy_loss(logits, labels, class_weights, at::Reduction::Mean,
                                           /*ignore_index=*/-100, options.label_smoothing);
  loss.backward();
  adam.Step(lr);

  const at::NoGradGuard no_grad;
  loss_sum += loss.detach() * size;
  correct_sum += logits.detach().argmax(1).eq(labels).sum();
  sums.steps += 1;
  sums.images += size;
  return read ? impl_->ReadSums() : TrainSums{};
}

EvalResult Session::EvalStep(const Batch& batch) {
  CheckImages(batch.images);
  const bool labelled = !batch.labels.empty();
  if (labelled) CheckLabels(batch, impl_->options.classes);
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  EvalResult result{.loss = kUnknown, .correct = kUnknown, .logits = {}};

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
  CopyOut(impl_->State(part), into, bytes);
}

void Session::WriteState(StatePart part, const uint8_t* from, size_t bytes) {
  CopyIn(impl_->State(part), from, bytes);
}

}  // namespace torchgraft
