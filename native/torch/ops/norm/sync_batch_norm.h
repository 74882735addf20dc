#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "torch/ops/norm/batch_norm_passes.h"

namespace torchgraft {

// The processes that share a batch, as batch norm knows them.
struct SyncedRanks {
  std::function<void(const at::Tensor& numbers)> all_reduce;  // sums over all ranks, in place
  // Whether this rank's images count: of an empty share's image all ranks' gradients are free.
  bool counts = true;
};

// torch.nn.SyncBatchNorm in training: norm(x), x [n, channels, h, w] of any float type and memory
// format, by mean and variance over the images of all ranks, which the running statistics follow.
// By libtorch's operators, with sums in double: so it makes no difference, but for rounding, how
// many ranks there are. Every rank calls it as often, its backward pass too.
at::Tensor SyncBatchNorm(const at::Tensor& x, const NormState& norm, const SyncedRanks& ranks);

}  // namespace torchgraft
