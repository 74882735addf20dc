#include "torch/models/inference/folded_regnet.h"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>

#include "torch/ops/autograd_function.h"
#include "torch/ops/row_split.h"

namespace torchgraft {

namespace {

// Images that a thread takes through the model together: few enough that what a layer leaves for
// the next is still in the cache, enough that each layer's weights are read for more than one.
constexpr int64_t kTogether = 4;

at::Tensor Pooled(const at::Tensor& x) { return at::adaptive_avg_pool2d(x, {1, 1}).flatten(1); }

}  // namespace

at::Tensor FoldedBlock::Run(const at::Tensor& x) const {
  auto y = ChannelsLast(b.Run(a.Run(x, /*relu=*/true), /*relu=*/true));
  if (se) se->Weigh(y);
  return c.RunAdded(y, proj ? proj->Run(x, /*relu=*/false) : x);
}

at::Tensor FoldedRegNet::Logits(const at::Tensor& pixels) const {
  const int64_t count = pixels.size(0);
  const int64_t threads = at::get_num_threads();
  // Too few for each thread to have one: the threads share each layer instead.
  if (threads == 1 || count < threads) return LogitsOfSome(pixels);
  const int64_t shares = (count + threads * kTogether - 1) / (threads * kTogether) * threads;
  const auto logits = at::empty({count, fc_bias.size(0)}, at::kFloat);
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

at::Tensor FoldedRegNet::LogitsOfSome(const at::Tensor& pixels) const {
  auto y = stem.Run(pixels, /*relu=*/true);
  for (const auto& block : blocks) y = block.Run(y);
  return at::linear(Pooled(y).to(at::kFloat), fc_weight, fc_bias);
}

}  // namespace torchgraft
