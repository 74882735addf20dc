#include "session.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <limits>
#include <optional>

#include "error.h"
#include "session_impl.h"
#include "transfer.h"

namespace torchgraft {

namespace {

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
  impl_->ForgetFolded();
  const auto labels = impl_->Labels(batch);

  impl_->model->train();
  const auto logits = impl_->Forward(batch.images, impl_->options.precision);
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
  const auto logits = impl_->Score(batch.images);
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

void Session::WriteState(StatePart part, const uint8_t* from, size_t bytes,
                         const std::vector<uint8_t>& written) {
  const auto entered = impl_->Enter();
  impl_->ForgetFolded();
  CopyIn(impl_->State(part), from, bytes, written);
}

}  // namespace torchgraft
