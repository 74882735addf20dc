// A session's scoring: folded or not, recorded or not.

#include <ATen/Functions.h>

#include <map>

#include "torch/cuda/graphs/rounded_batch.h"
#include "torch/models/inference/cpu_layers.h"
#include "torch/models/inference/device_layers.h"
#include "torch/session/session_impl.h"
#include "torch/session/transfer.h"

namespace torchgraft {

namespace {

FoldedModel Fold(const Model& model, FoldedLayers& layers) {
  std::map<std::string, at::Tensor> state;
  for (const auto& [name, tensor, trainable] : StateDict(model)) state[name] = tensor;
  return FoldedModel(GraphOf(model), state, layers);
}

}  // namespace

Precision Session::Impl::ScoringPrecision() const {
  return options.score_in_fp32 ? Precision::kFp32 : options.precision;
}

std::unique_ptr<FoldedLayers> Session::Impl::MakeFoldedLayers() const {
  if (options.plain_kernels || !options.channels_last) return nullptr;
  const auto type = ComputeType(ScoringPrecision());
  if (at::Device(options.device).is_cpu()) return std::make_unique<CpuLayers>(type);
  const auto fused = options.cudnn_benchmark ? std::optional(CudnnOperators()) : std::nullopt;
  return std::make_unique<DeviceLayers>(type, layer_kernels, fused);
}

void Session::Impl::FoldModel() {
  if (folded || !layers) return;
  try {
    folded = Fold(*model, *layers);
  } catch (const c10::OutOfMemoryError&) {
    throw;  // of a device: there may be room the next time
  } catch (const c10::Error& error) {
    folding_problem = error.what_without_backtrace();
    if (scoring) scoring->Forget();  // its graphs read the layers' weights
    layers.reset();
  }
}

at::Tensor Session::Impl::Score(const Images& images) {
  FoldModel();
  return Score(Pixels(images, ScoringPrecision()));
}

at::Tensor Session::Impl::Score(const at::Tensor& pixels) {
  return folded ? folded->Logits(pixels) : Forward(pixels, ScoringPrecision());
}

std::optional<HostCopy> Session::Impl::ScorePadded(const Batch& batch) {
  if (!scoring) return std::nullopt;
  FoldModel();
  const int64_t rows = RoundedBatch(batch.images.size());
  auto* recorded = scoring->Find(rows, batch.images.output,
                                 [this](const auto& inputs) { return ScoringParts(inputs); });
  const auto inputs = recorded ? recorded->inputs : scoring->MakeInputs(rows, batch.images.output);
  Fill(inputs, batch);
  if (recorded) {
    recorded->parts[0]->Replay();
  } else {
    ScoringParts(inputs)[0]();
  }
  return HostCopy(inputs.scores.narrow(0, 0, 2 + batch.images.size() * options.classes));
}

RecordedSteps::Parts Session::Impl::ScoringParts(const StepInputs& inputs) {
  return {[=, this] {
    const auto logits = Score(inputs.pixels);
    const auto loss = at::cross_entropy_loss(logits, inputs.labels, {}, at::Reduction::Sum,
                                             /*ignore_index=*/kPaddingLabel);
    const auto correct = logits.argmax(1).eq(inputs.labels).sum();
    const auto numbers = at::stack({loss.to(at::kDouble), correct.to(at::kDouble)});
    inputs.scores.copy_(at::cat({numbers, logits.flatten().to(at::kDouble)}));
  }};
}

bool Session::Impl::DropRecorded() {
  bool any = false;
  for (auto* steps : {&training, &scoring}) any |= *steps && (*steps)->Forget();
  // No graph reads the folded weights any more: they are made anew where they are asked for.
  if (any && layers) {
    folded.reset();
    layers = MakeFoldedLayers();
  }
  return any;
}

}  // namespace torchgraft
