#include "torch/cuda/graphs/recorded_steps.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Functions.h>

#include <algorithm>

#include "torch/session/error.h"

namespace torchgraft {

namespace {

constexpr int64_t kEagerSteps = 2;
constexpr c10::MempoolId_t kNewPool{0, 0};

}  // namespace

RecordedSteps::Step* RecordedSteps::Find(int64_t n, int64_t size,
                                         const std::function<Parts(const StepInputs&)>& parts) {
  if (!problem_.empty()) return nullptr;
  auto& shape = Use(n, size);
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
  const bool any = AnyGraph();
  shapes_.clear();
  pool_ = kNewPool;  // a pool ends with its last graph
  return any;
}

RecordedSteps::Shape& RecordedSteps::Use(int64_t n, int64_t size) {
  if (shapes_.size() == kMaxShapes && shapes_.count({n, size}) == 0) {
    const auto oldest = std::min_element(
        shapes_.begin(), shapes_.end(),
        [](const auto& a, const auto& b) { return a.second.last_use < b.second.last_use; });
    if (oldest->second.step) Synchronize();  // it may be under way
    shapes_.erase(oldest);
    if (!AnyGraph()) pool_ = kNewPool;
  }
  auto& shape = shapes_[{n, size}];
  shape.last_use = ++uses_;
  return shape;
}

bool RecordedSteps::AnyGraph() const {
  return std::any_of(shapes_.begin(), shapes_.end(),
                     [](const auto& shape) { return shape.second.step.has_value(); });
}

void RecordedSteps::Synchronize() const {
  if (!options_.device().is_cpu()) at::accelerator::synchronizeDevice(options_.device().index());
}

StepInputs RecordedSteps::MakeInputs(int64_t n, int64_t size) const {
  const auto format =
      channels_last_ ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return {.pixels = at::zeros({n, 3, size, size}, options_.memory_format(format)),
          .labels = at::zeros({n}, options_.dtype(at::kLong)),
          .scores = at::zeros({2 + n * classes_}, options_.dtype(at::kDouble))};
}

RecordedSteps::Step RecordedSteps::Record(int64_t n, int64_t size,
                                          const std::function<Parts(const StepInputs&)>& parts) {
  // A graph's pool is apart from the memory that eager steps cached, which is not needed any more.
  Synchronize();
  if (!options_.device().is_cpu()) at::accelerator::emptyCache();
  Step step{.inputs = MakeInputs(n, size), .parts = {}};
  for (const auto& work : parts(step.inputs)) {
    auto graph = make_graph_();
    graph->Capture(pool_, work);
    pool_ = graph->pool();
    step.parts.push_back(std::move(graph));
  }
  return step;
}

}  // namespace torchgraft
