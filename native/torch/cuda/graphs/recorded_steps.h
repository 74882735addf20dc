#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "torch/cuda/graphs/device_graph.h"

namespace torchgraft {

// Static inputs of a captured step of one shape: a batch is copied here before each replay.
struct StepInputs {
  at::Tensor pixels;  // [n, 3, size, size], in the layout and type that the model takes
  at::Tensor labels;  // [n], int64
  at::Tensor scores;  // [2 + n × classes], float64: loss, correct, logits of a scoring step
};

// A session's steps of one kind (training or scoring) as CUDA graphs, one a batch shape: launching
// a step operation by operation takes the CPU longer than the device needs to compute it.
//
// A shape is captured when it comes for the third time: the first two steps run eagerly, to choose
// algorithms and load kernels, which cannot be captured. The graphs of all shapes share a memory
// pool. Of more shapes than `kMaxShapes` the least recently used one is forgotten.
class RecordedSteps {
 public:
  // The work of a step: one graph for each part, replayed one after another.
  using Parts = std::vector<std::function<void()>>;

  struct Step {
    StepInputs inputs;
    std::vector<std::unique_ptr<DeviceGraph>> parts;
  };

  using MakeGraph = std::function<std::unique_ptr<DeviceGraph>()>;

  // A run has a few image sizes and a last batch of each; a service, batches of many sizes.
  static constexpr size_t kMaxShapes = 32;

  // `like`: device and dtype of the inputs.
  RecordedSteps(const at::TensorOptions& like, bool channels_last, int64_t classes,
                MakeGraph make_graph = MakeCudaGraph)
      : options_(like),
        channels_last_(channels_last),
        classes_(classes),
        make_graph_(std::move(make_graph)) {}

  // The step for n images of size × size, captured now if it is time; null: run it eagerly. `parts`
  // gives the work to capture.
  Step* Find(int64_t n, int64_t size, const std::function<Parts(const StepInputs&)>& parts);

  // Inputs of that shape, all zero.
  StepInputs MakeInputs(int64_t n, int64_t size) const;

  // Frees all graphs and counts shapes anew: where their memory is needed, or an address that they
  // captured has changed. Whether there were any.
  bool Forget();

  // Why nothing is captured any more, in words; empty while all is well.
  const std::string& problem() const { return problem_; }

 private:
  struct Shape {
    int64_t times = 0;
    int64_t last_use = 0;
    std::optional<Step> step;
  };

  Shape& Use(int64_t n, int64_t size);
  bool AnyGraph() const;
  void Synchronize() const;
  Step Record(int64_t n, int64_t size, const std::function<Parts(const StepInputs&)>& parts);

  at::TensorOptions options_;
  bool channels_last_;
  int64_t classes_;
  MakeGraph make_graph_;
  int64_t uses_ = 0;
  c10::MempoolId_t pool_{0, 0};
  std::map<std::pair<int64_t, int64_t>, Shape> shapes_;
  std::string problem_;
};

}  // namespace torchgraft
