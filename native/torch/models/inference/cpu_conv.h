#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <variant>

#include "torch/models/inference/folded_layers.h"
#include "torch/models/inference/fused_conv.h"
#include "torch/ops/conv/grouped_conv.h"
#include "torch/ops/conv/packed_gemm.h"

namespace torchgraft {

// A folded convolution on the CPU, by whatever is fastest here: our own loops, or oneDNN's. For
// float and bf16, without gradients.
class CpuConv final : public FoldedConv {
 public:
  // `weight` and `bias` in double. Throws c10::Error as FusedConv does.
  CpuConv(const at::Tensor& weight, const at::Tensor& bias, const ConvGeometry& geometry,
          at::ScalarType type);

  at::Tensor Run(const at::Tensor& x, bool relu) const override;
  at::Tensor RunResidual(const at::Tensor& x, const at::Tensor& residual) const override;

 private:
  int64_t stride_;
  std::variant<FusedConv, PackedGemm, GroupedScoring> conv_;
};

}  // namespace torchgraft
