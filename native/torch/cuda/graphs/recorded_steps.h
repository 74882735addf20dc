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

// What a recorded step of one shape reads. A batch is copied here before the step is launched.
struct StepInputs {
  at::Tensor pixels;  // [n, 3, size, size], in the layout and type that the model takes
  at::Tensor labels;  // [n], int64
  at::Tensor scores;  // [n × classes + 2], float64: where a step that scores leaves what it found
};

// The steps of one kind that a session takes on a CUDA device, as graphs: launching a step
// operation by operation takes the processor longer than the device needs to compute it.
//
// A shape is recorded when it comes for the third time: the first steps are taken operation by
// operation, and choose algorithms and load kernels, which cannot be recorded. Graphs of all shapes
// share a memory pool.
class RecordedSteps {
 public:
  // What is recorded for a shape: one graph for each part, launched one after another.
  using Parts = std::vector<std::function<void()>>;

  struct Step {
    StepInputs inputs;
    std::vector<std::unique_ptr<DeviceGraph>> parts;
  };

  // `like` gives the inputs' device, type and layout.
  RecordedSteps(const at::TensorOptions& like, bool channels_last, int64_t classes)
      : options_(like), channels_last_(channels_last), classes_(classes) {}

  // The step for n images of a size, recorded now if it is time; null: take it operation by
  // operation. `parts` makes what is to be recorded.
  Step* Find(int64_t n, int64_t size, const std::function<Parts(const StepInputs&)>& parts);

  // Frees what was recorded, and counts the shapes anew: where its memory is wanted, or what it
  // holds for good has changed. Whether there was any.
  bool Forget();

  // Why nothing is recorded any more, in words; empty while all goes well.
  const std::string& problem() const { return problem_; }

 private:
  struct Shape {
    int64_t times = 0;
    std::optional<Step> step;
  };

  Step Record(int64_t n, int64_t size, const std::function<Parts(const StepInputs&)>& parts);

  at::TensorOptions options_;
  bool channels_last_;
  int64_t classes_;
  c10::MempoolId_t pool_{0, 0};
  std::map<std::pair<int64_t, int64_t>, Shape> shapes_;
  std::string problem_;
};

}  // namespace torchgraft
