#include "check/scoring/recorded_check.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>

#include "check/scoring/net.h"
#include "torch/cuda/graphs/recorded_steps.h"
#include "torch/cuda/graphs/rounded_batch.h"
#include "torch/models/inference/device_layers.h"
#include "torch/models/inference/folded_model.h"
#include "torch/session/cudnn_benchmark.h"

namespace torchgraft {

namespace {

// On the CPU: computes nothing when it captures, and the captured work at each replay.
class StandInGraph final : public DeviceGraph {
 public:
  void Capture(c10::MempoolId_t, const std::function<void()>& work) override { work_ = work; }
  void Replay() override { work_(); }
  c10::MempoolId_t pool() override { return {0, 1}; }

 private:
  std::function<void()> work_;
};

RecordedSteps StandInSteps(int64_t classes) {
  return {at::TensorOptions(at::kFloat), /*channels_last=*/true, classes,
          [] { return std::make_unique<StandInGraph>(); }};
}

struct Shape {
  int64_t n;
  int64_t size;

  explicit Shape(const std::string& text) {
    const size_t cross = text.find('x');
    n = std::stol(text.substr(0, cross));
    size = std::stol(text.substr(cross + 1));
  }
};

}  // namespace

void CheckRecorded(const std::vector<std::string>& arguments) {
  auto steps = StandInSteps(/*classes=*/1);
  const char* before = "[";
  for (const auto& argument : arguments) {
    const Shape shape(argument);
    bool captures = false;
    bool computes = false;
    auto* step = steps.Find(shape.n, shape.size, [&](const StepInputs& inputs) {
      captures = true;
      if (inputs.pixels.sizes() != at::IntArrayRef({shape.n, 3, shape.size, shape.size}))
        throw std::logic_error("inputs of another shape");
      return RecordedSteps::Parts{[inputs] { inputs.scores.add_(inputs.labels.size(0)); }};
    });
    if (step) {
      const double scores = step->inputs.scores.sum().item<double>();
      step->parts.at(0)->Replay();
      computes = step->inputs.scores.sum().item<double>() > scores;
      if (!computes) throw std::logic_error("a replay that computes nothing");
    }
    std::printf("%s\"%s\"", before, captures ? "capture" : step ? "replay" : "eager");
    before = ",";
  }
  std::printf("]\n");
}

void CheckRounded(const std::vector<std::string>& arguments) {
  const char* before = "[";
  for (const auto& argument : arguments) {
    std::printf("%s%ld", before, static_cast<long>(RoundedBatch(std::stol(argument))));
    before = ",";
  }
  std::printf("]\n");
}

void CheckCudnnBenchmark(const std::vector<std::string>&) {
  std::vector<bool> found;
  const auto look = [&] { found.push_back(at::globalContext().benchmarkCuDNN()); };
  at::globalContext().setBenchmarkCuDNN(false);
  look();
  {
    const CudnnBenchmark wanted(true);
    look();
    {
      const CudnnBenchmark unwanted(false);
      look();
    }
    look();
  }
  look();
  const char* before = "[";
  for (const bool on : found) {
    std::printf("%s%s", before, on ? "true" : "false");
    before = ",";
  }
  std::printf("]\n");
}

void CheckRefolded(const std::vector<std::string>&) {
  const c10::InferenceMode inference;
  Net net("regnet_y_400mf");
  DeviceLayers layers(at::kFloat, nullptr, CudnnOperators());
  std::unique_ptr<FoldedModel> folded;
  auto steps = StandInSteps(Net::kClasses);
  const auto pixels = net.Images(2, 64);
  const auto parts = [&](const StepInputs& inputs) {
    // As a CUDA graph has it: the tensors of the layers, not the list of steps.
    const auto captured = std::make_shared<const FoldedModel>(*folded);
    return RecordedSteps::Parts{[captured, inputs] {
      inputs.scores.narrow(0, 2, inputs.scores.numel() - 2)
          .copy_(captured->Logits(inputs.pixels).flatten());
    }};
  };
  const char* before = "[";
  for (int epoch = 0; epoch < 3; ++epoch) {
    net.Train();
    folded = std::make_unique<FoldedModel>(GraphOf(*net.model), net.state, layers);
    RecordedSteps::Step* step = nullptr;
    while (!step) step = steps.Find(2, 64, parts);
    step->inputs.pixels.copy_(pixels);
    step->parts[0]->Replay();
    const auto logits = step->inputs.scores.narrow(0, 2, 2 * Net::kClasses).view({2, -1});
    std::printf("%s%g", before, Distance(logits, net.model->Forward(pixels).to(at::kDouble)));
    before = ",";
  }
  std::printf("]\n");
}

}  // namespace torchgraft
