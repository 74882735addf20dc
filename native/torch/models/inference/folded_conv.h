#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <variant>

#include "torch/models/inference/fused_conv.h"
#include "torch/ops/conv/grouped_conv.h"
#include "torch/ops/conv/packed_gemm.h"

namespace torchgraft {

// A convolution for scoring, its batch norm folded in, by whatever is fastest here: our own loops,
// or oneDNN's. For float and bf16 on the CPU, channels_last, without
// gradients.
class FoldedConv {
 public:
  // `weight` and `bias` in double. Throws c10::Error as FusedConv does.
  FoldedConv(const at::Tensor& weight, const at::Tensor& bias, const ConvGeometry& geometry,
             at::ScalarType type);

  at::Tensor Run(const at::Tensor& x, bool relu) const;

  // relu(conv(x) + residual), where it has no groups.
  at::Tensor RunResidual(const at::Tensor& x, const at::Tensor& residual) const;

 private:
  int64_t stride_;
  std::variant<FusedConv, PackedGemm, GroupedScoring> conv_;
};

}  // namespace torchgraft
