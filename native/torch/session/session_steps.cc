// A session's steps: one operation after another, or recorded.

#include <ATen/Functions.h>

#include "torch/optim/clip_norm.h"
#include "torch/session/session_impl.h"
#include "torch/session/transfer.h"

namespace torchgraft {

namespace {

// Σ loss × images and Σ correct, on the device.
at::Tensor StepSums(const at::Tensor& loss, const at::Tensor& logits, const at::Tensor& labels) {
  const at::NoGradGuard no_grad;
  const auto correct = logits.argmax(1).eq(labels).sum();
  return at::stack({loss.to(at::kDouble) * labels.size(0), correct.to(at::kDouble)});
}

}  // namespace

at::Tensor Session::Impl::Loss(const at::Tensor& logits, const at::Tensor& labels) const {
  return at::cross_entropy_loss(logits, labels, class_weights, at::Reduction::Mean,
                                /*ignore_index=*/-100, options.label_smoothing);
}

std::optional<HostCopy> Session::Impl::Train(const Batch& batch, bool read) {
  std::optional<HostCopy> copy;
  auto* recorded =
      training ? training->Find(batch.images.size(), batch.images.output,
                                [this](const auto& inputs) { return TrainingParts(inputs); })
               : nullptr;
  if (recorded) {
    Fill(recorded->inputs, batch);
    recorded->parts[0]->Replay();
    if (read) {
      copy.emplace(report);
      sums.zero_();
      skipped.zero_();
    }
    recorded->parts[1]->Replay();
    if (!read) LimitStepsAhead();
    return copy;
  }
  DiscardPartialStep();  // what a recording that failed left
  const auto labels = Labels(batch);
  const auto logits = Forward(Pixels(batch.images, options.precision), options.precision);
  const auto loss = Loss(logits, labels);
  const auto summed = sums + StepSums(loss, logits, labels);
  const auto passed_over = skipped.clone();
  // Asked for before the backward pass, so that reading does not wait for it.
  if (read) copy.emplace(at::cat({summed, at::stack({passed_over.to(at::kDouble), Scale()})}));
  BackwardAndStep(loss);
  if (read) {
    sums.zero_();
    skipped -= passed_over;
  } else {
    sums.copy_(summed);
  }
  return copy;
}

void Session::Impl::LimitStepsAhead() {
  constexpr size_t kAhead = 4;
  ended.emplace_back(device.type()).record(*stream);
  if (ended.size() <= kAhead) return;
  ended.front().synchronize();
  ended.pop_front();
}

// Forward and backward apart, so that what was asked of the forward pass need not wait for the
// rest: the next batch is copied and uploaded meanwhile (augment/render_device.h).
RecordedSteps::Parts Session::Impl::TrainingParts(const StepInputs& inputs) {
  const auto loss = std::make_shared<at::Tensor>();
  return {
      [=, this] {
        const auto logits = Forward(inputs.pixels, options.precision);
        *loss = Loss(logits, inputs.labels);
        const at::NoGradGuard no_grad;
        sums += StepSums(*loss, logits, inputs.labels);
        report.copy_(at::cat({sums, at::stack({skipped.to(at::kDouble), Scale()})}));
      },
      [=, this] {
        BackwardAndStep(*loss);
        loss->reset();
      },
  };
}

void Session::Impl::Fill(const StepInputs& inputs, const Batch& batch) const {
  const int64_t count = batch.images.size();
  const int64_t rows = inputs.labels.size(0);
  renderer->RenderInto(inputs.pixels.narrow(0, 0, count), batch.images, pixel_cache.get());
  if (batch.labels.empty()) return;
  inputs.labels.narrow(0, 0, count).copy_(Labels(batch));
  if (count < rows) inputs.labels.narrow(0, count, rows - count).fill_(kPaddingLabel);
}

void Session::Impl::BackwardAndStep(const at::Tensor& loss) {
  if (!scaler) {
    loss.backward();
    if (options.clip_norm > 0) ClipGradNorm(adam.Gradients(), options.clip_norm);
    adam.Step();
    return;
  }
  scaler->Scale(loss).backward();
  if (options.clip_norm > 0) {
    scaler->Unscale(adam);
    ClipGradNorm(adam.Gradients(), options.clip_norm);
  }
  scaler->Step(adam);
  scaler->Update();
  skipped += scaler->found_inf().to(at::kLong);
}

}  // namespace torchgraft
