#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <variant>

#include "torch/models/inference/fused_conv.h"
#include "torch/ops/conv/grouped_conv.h"
#include "torch/ops/conv/packed_gemm.h"

namespace torchgraft {

// A convolution for scoring, its batch norm folded in, by whatever is fastest here: our own loops,
// or oneDNN's. Padded by half its kernel; for float and bf16 on the CPU, channels_last, without
// gradients.
class FoldedConv {
 public:
  // `weight` and `bias` in double. Throws c10::Error as FusedConv does.
  FoldedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride, int64_t groups,
             at::ScalarType type);

  at::Tensor Run(const at::Tensor& x, bool relu) const;

  // relu(conv(x) + added), where it has no groups.
  at::Tensor RunAdded(const at::Tensor& x, const at::Tensor& added) const;

 private:
  int64_t stride_;
  std::variant<FusedConv, PackedGemm, GroupedScoring> conv_;
};

}  // namespace torchgraft
