#include "torch/session/session.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <limits>
#include <optional>

#include "torch/session/error.h"
#include "torch/session/session_impl.h"
#include "torch/session/transfer.h"

namespace torchgraft {

namespace {

void CheckLabels(const Batch& batch, int64_t classes) {
  if (batch.labels.size() != static_cast<size_t>(batch.images.size())) {
    throw CodedError("ERR_BATCH_SHAPE", "Expected " + std::to_string(batch.images.size()) +
                                            " labels, one an image, but received " +
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

ModelDescription DescribeModel(const std::string& name, int64_t classes) {
  const auto model = MakeModel(name, classes, LayerContext{.init = {.device = at::kMeta}});
  ModelDescription description{.tensors = {}, .graph = GraphOf(*model)};
  const auto uses = TensorUses(description.graph);
  for (auto& entry : Describe(StateDict(*model))) {
    const auto use = uses.find(entry.name);
    description.tensors.push_back(
        {std::move(entry), use == uses.end() ? TensorUse{} : use->second});
  }
  return description;
}

Session::Session(const SessionOptions& options) {
  at::set_num_threads(static_cast<int>(options.threads));
  impl_ = std::make_unique<Impl>(options);
}

Session::~Session() {
  const auto device = impl_->device;
  // A device in error keeps its memory until the process ends.
  const auto attempt = [&](const auto& work) {
    try {
      if (!device.is_cpu()) work();
    } catch (const std::exception&) {
    }
  };
  // A step may be under way, with the kernels that go.
  attempt([&] { at::accelerator::synchronizeDevice(device.index()); });
  impl_.reset();
  attempt([] { at::accelerator::emptyCache(); });  // what the model held is other programs' again
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
  auto& parallel = impl_->parallel;
  if (!parallel || batch.images.size() > 0) CheckImages(batch.images);  // a share may be empty
  CheckLabels(batch, impl_->options.classes);
  const Impl::Entered entered(*impl_);
  impl_->DiscardPartialStep();
  impl_->InvalidateFolded();
  impl_->model->train();
  impl_->adam.SetLr(lr);
  TrainSums counts = impl_->counts;
  counts.steps += 1;
  if (!parallel) counts.images += batch.images.size();
  const auto copy = parallel
                        ? impl_->TrainShare(batch, read, counts.images)
                        : impl_->RetryWithoutRecorded([&] { return impl_->Train(batch, read); });
  if (!copy) {
    impl_->counts = counts;
    return {};
  }
  impl_->counts = {};
  const auto* numbers = copy->Wait().const_data_ptr<double>();
  if (parallel) parallel->Check();
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

  const Impl::Entered entered(*impl_);
  const c10::InferenceMode inference;
  impl_->model->eval();
  impl_->RetryWithoutRecorded([&] {
    if (const auto copy = impl_->ScoreRecorded(batch)) {
      const auto& scores = copy->Wait();
      const auto* numbers = scores.const_data_ptr<double>();
      const auto count = scores.numel() - 2;
      result.logits.assign(numbers, numbers + count);
      if (labelled) {
        result.loss = numbers[count];
        result.correct = numbers[count + 1];
      }
      return;
    }
    const auto logits = impl_->Score(batch.images);
    if (labelled) {
      const auto labels = impl_->Labels(batch);
      result.loss = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum).item<double>();
      result.correct = logits.argmax(1).eq(labels).sum().item<double>();
    }
    const auto plain = logits.cpu().contiguous();
    result.logits.assign(plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
  });
  return result;
}

std::vector<std::string> Session::DeviceNotes() const { return impl_->DeviceNotes(); }

void Session::ReadState(StatePart part, uint8_t* into, size_t bytes) const {
  const Impl::Entered entered(*impl_);
  CopyOut(impl_->State(part), into, bytes);
}

void Session::WriteState(StatePart part, const uint8_t* from, size_t bytes,
                         const std::vector<uint8_t>& written) {
  const Impl::Entered entered(*impl_);
  impl_->InvalidateFolded();
  if (part == StatePart::kTraining) impl_->DropRecordedScaler();
  CopyIn(impl_->State(part), from, bytes, written);
  if (impl_->parallel) impl_->parallel->SyncState(impl_->State(part));
}

}  // namespace torchgraft
