#include "torch/models/inference/folded_model.h"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>

#include "torch/models/inference/fold.h"
#include "torch/ops/autograd_function.h"
#include "torch/ops/row_split.h"

namespace torchgraft {

namespace {

// Images that a thread takes through the model together: few enough that what a layer leaves for
// the next is still in the cache, enough that each layer's weights are read for more than one.
constexpr int64_t kImagesPerTask = 4;

// Runs a step's layer on the activations that there are.
struct Runner {
  std::vector<at::Tensor>& activations;
  size_t input;

  at::Tensor operator()(const FoldedModel::ConvStep& step) const {
    if (!step.residual) return step.conv->Run(activations[input], step.relu);
    return step.conv->RunResidual(activations[input], activations[*step.residual]);
  }
  at::Tensor operator()(const FoldedModel::ExcitationStep& step) const {
    auto x = ChannelsLast(activations[input]);
    step.excitation->Weigh(x);
    return x;
  }
  at::Tensor operator()(const FoldedModel::PoolStep&) const {
    return at::adaptive_avg_pool2d(activations[input], {1, 1});
  }
  at::Tensor operator()(const FoldedModel::FlattenStep&) const {
    return activations[input].flatten(1);
  }
  at::Tensor operator()(const FoldedModel::LinearStep& step) const {
    return at::linear(activations[input].to(at::kFloat), step.weight, step.bias);
  }
};

}  // namespace

FoldedModel::FoldedModel(const Graph& graph, const std::map<std::string, at::Tensor>& state,
                         FoldedLayers& layers)
    : steps_(Fold(graph, state, layers)),
      classes_(state.at(graph.back().bias).size(0)),
      threads_take_images_(layers.threads_take_images()) {}

at::Tensor FoldedModel::Logits(const at::Tensor& pixels) const {
  const int64_t count = pixels.size(0);
  const int64_t threads = at::get_num_threads();
  // Too few for each thread to have one: the threads share each layer instead.
  if (!threads_take_images_ || threads == 1 || count < threads) return LogitsOfSome(pixels);
  const int64_t shares =
      (count + threads * kImagesPerTask - 1) / (threads * kImagesPerTask) * threads;
  const auto logits = at::empty({count, classes_}, at::kFloat);
  ParallelFor(shares, /*grain_size=*/1, [&](int64_t first, int64_t last) {
    const c10::InferenceMode inference;  // a thread's own
    for (int64_t share = first; share < last; ++share) {
      const int64_t begin = count * share / shares;
      const int64_t end = count * (share + 1) / shares;
      if (begin == end) continue;
      logits.slice(0, begin, end).copy_(LogitsOfSome(pixels.slice(0, begin, end)));
    }
  });
  return logits;
}

at::Tensor FoldedModel::LogitsOfSome(const at::Tensor& pixels) const {
  std::vector<at::Tensor> activations(steps_.back().output + 1);
  activations[0] = pixels;
  for (const auto& step : steps_) {
    activations[step.output] = std::visit(Runner{activations, step.input}, step.layer);
    for (const size_t finished : step.finished) activations[finished].reset();
  }
  return activations.back();
}

}  // namespace torchgraft
