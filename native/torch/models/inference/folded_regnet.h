#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "torch/models/inference/folded_conv.h"
#include "torch/models/inference/folded_excitation.h"

namespace torchgraft {

// A RegNet for scoring: each batch norm folded into the convolution before it, ReLU and the
// residual sum into the convolution's own pass. RegNet::Folded makes one of the state as it is
// then.

struct FoldedBlock {
  std::optional<FoldedConv> proj;
  FoldedConv a;
  FoldedConv b;
  std::optional<FoldedExcitation> se;
  FoldedConv c;

  at::Tensor Run(const at::Tensor& x) const;
};

struct FoldedRegNet {
  FoldedConv stem;
  std::vector<FoldedBlock> blocks;
  at::Tensor fc_weight;
  at::Tensor fc_bias;

  // [n, 3, h, w], channels_last → logits [n, classes], float32. Under InferenceMode.
  at::Tensor Logits(const at::Tensor& pixels) const;

 private:
  at::Tensor LogitsOfSome(const at::Tensor& pixels) const;
};

}  // namespace torchgraft
