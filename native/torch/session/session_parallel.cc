// A session's step where several processes take one together.

#include <ATen/Functions.h>

#include <numeric>

#include "torch/session/session_impl.h"

namespace torchgraft {

namespace {

// What the mean loss of these labels divides by.
double Weight(const std::vector<int32_t>& labels, const std::vector<float>& class_weights) {
  if (class_weights.empty()) return static_cast<double>(labels.size());
  return std::accumulate(labels.begin(), labels.end(), 0.0, [&](double sum, int32_t label) {
    return sum + class_weights[static_cast<size_t>(label)];
  });
}

}  // namespace

// An empty share is computed as one black image that counts for nothing: so all parameters get
// their gradient, of zeros, for the other ranks to add to.
at::Tensor Session::Impl::ShareLoss(const Batch& batch, at::Tensor& correct) {
  const bool empty = batch.labels.empty();
  if (synced) synced->counts = !empty;
  if (empty) {
    if (!synced) model->eval();  // leaves the running statistics as they are
    const int64_t size = batch.images.output;
    const auto black =
        at::zeros({1, 3, size, size}, at::device(device).dtype(ComputeType(options.precision)));
    correct = at::zeros({}, sums.options());
    return Forward(black, options.precision).sum() * 0;
  }
  const auto labels = Labels(batch);
  const auto logits = Forward(Pixels(batch.images, options.precision), options.precision);
  correct = logits.argmax(1).eq(labels).sum().to(at::kDouble);
  return Loss(logits, labels);
}

// Statistics that are frozen or shared are the same on all ranks.
void Session::Impl::SyncBuffers() const {
  if (!options.freeze_batch_norm && !synced) parallel->SyncBuffers();
}

std::optional<HostCopy> Session::Impl::TrainShare(const Batch& batch, bool read, int64_t& images) {
  const QuietAboutStrides quiet;
  parallel->Begin(Weight(batch.labels, options.class_weights), batch.images.size());
  at::Tensor correct;
  const auto mean_loss = ShareLoss(batch, correct);
  const auto share = parallel->AwaitShare();
  images += share.images;
  const auto loss = mean_loss * share.factor;
  {
    const at::NoGradGuard no_grad;
    const double times = static_cast<double>(share.images) / options.group->options().world_size;
    sums += at::stack({loss.to(at::kDouble) * times, correct});
  }
  if (!read) {
    BackwardAndStep(loss);
    SyncBuffers();
    return std::nullopt;
  }
  const auto all = sums.clone();
  parallel->BeginSums(all);
  sums.zero_();
  const auto passed_over = skipped.clone();
  const auto scale = Scale();
  BackwardAndStep(loss);
  skipped -= passed_over;
  SyncBuffers();
  parallel->AwaitSums();
  return HostCopy(at::cat({all, at::stack({passed_over.to(at::kDouble), scale})}));
}

}  // namespace torchgraft
