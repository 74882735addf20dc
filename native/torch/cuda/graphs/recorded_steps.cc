#include "torch/cuda/graphs/recorded_steps.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Functions.h>

#include <algorithm>

#include "torch/session/error.h"

namespace torchgraft {

namespace {

constexpr int64_t kEagerSteps = 2;
// A run has a few image sizes and a last batch of each; predicting may have any number of shapes.
constexpr size_t kMaxShapes = 16;

}  // namespace

RecordedSteps::Step* RecordedSteps::Find(int64_t n, int64_t size,
                                         const std::function<Parts(const StepInputs&)>& parts) {
  if (!problem_.empty()) return nullptr;
  auto found = shapes_.find({n, size});
  if (found == shapes_.end()) {
    if (shapes_.size() == kMaxShapes) return nullptr;
    found = shapes_.try_emplace({n, size}).first;
  }
  auto& shape = found->second;
  if (shape.step) return &*shape.step;
  if (shape.times++ < kEagerSteps) return nullptr;
  try {
    shape.step.emplace(Record(n, size, parts));
  } catch (...) {
    problem_ = CurrentFailure().message;
  }
  if (problem_.empty()) return &*shape.step;
  Forget();  // they are not replayed any more, and eager steps need their memory
  return nullptr;
}

bool RecordedSteps::Forget() {
  const bool any = std::any_of(shapes_.begin(), shapes_.end(),
                               [](const auto& shape) { return shape.second.step.has_value(); });
  shapes_.clear();
  pool_ = {0, 0};  // a pool ends with its last graph
  return any;
}

RecordedSteps::Step RecordedSteps::Record(int64_t n, int64_t size,
                                          const std::function<Parts(const StepInputs&)>& parts) {
  // A graph's pool is apart from the memory that eager steps cached, which is not needed any more.
  at::accelerator::synchronizeDevice(options_.device().index());
  at::accelerator::emptyCache();
  Step step;
  step.inputs.pixels = at::zeros(
      {n, 3, size, size}, options_.memory_format(channels_last_ ? at::MemoryFormat::ChannelsLast
                                                                : at::MemoryFormat::Contiguous));
  step.inputs.labels = at::zeros({n}, options_.dtype(at::kLong));
  step.inputs.scores = at::zeros({n * classes_ + 2}, options_.dtype(at::kDouble));
  for (const auto& work : parts(step.inputs)) {
    auto graph = std::make_unique<DeviceGraph>();
    graph->Capture(pool_, work);
    pool_ = graph->pool();
    step.parts.push_back(std::move(graph));
  }
  return step;
}

}  // namespace torchgraft
