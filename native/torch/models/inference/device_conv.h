#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "torch/models/inference/cudnn_conv.h"
#include "torch/models/inference/folded_layers.h"
#include "torch/ops/norm/batch_norm_passes.h"

namespace torchgraft {

// A folded convolution on a GPU, in float, bf16 or fp16. By the first of these that can:
// - 1×1 in half precision, without a residual: a matrix product with bias and ReLU (cuBLASLt);
// - the fused operator (cuDNN), where it is given and computes what the next one does;
// - a convolution, then bias, residual and ReLU in a pass over its output.
//
// Whether cuDNN's operator is taken is tried at the first batch of a shape, and kept: it has no
// engine for some layers, and reads its output, uninitialized as that is, as a residual weighed by
// zero, which not every engine may ignore. Nothing is timed, and cuDNN may compile such an engine
// for longer than a run scores: so it is for who asked for cuDNN's search. On the engine thread.
class DeviceConv final : public FoldedConv {
 public:
  // `kernels`, one of which makes that pass, may be null.
  DeviceConv(const at::Tensor& weight, const at::Tensor& bias, const ConvGeometry& geometry,
             at::ScalarType type, std::shared_ptr<const LayerKernels> kernels,
             std::optional<FusedConvOperators> fused);

  // Other weights at the same addresses, which CUDA graphs have captured.
  void Refold(const at::Tensor& weight, const at::Tensor& bias);

  // Whether the fused operator is taken, for the shapes tried so far.
  std::vector<bool> fused() const;

  at::Tensor Run(const at::Tensor& x, bool relu) const override;
  at::Tensor RunResidual(const at::Tensor& x, const at::Tensor& residual) const override;

 private:
  // n, height and width of x, whether there is a residual
  using Shape = std::array<int64_t, 4>;

  bool IsProduct(const at::Tensor& x) const;
  at::Tensor Product(const at::Tensor& x, bool relu) const;
  at::Tensor Fused(const at::Tensor& x, const at::Tensor& residual) const;
  at::Tensor InTwoPasses(const at::Tensor& x, const at::Tensor& residual, bool relu) const;
  at::Tensor FusedOrNot(const at::Tensor& x, const at::Tensor& residual) const;
  bool FusedComesTo(const at::Tensor& expected, const at::Tensor& x,
                    const at::Tensor& residual) const;

  ConvGeometry geometry_;
  at::Tensor weight_;
  at::Tensor bias_;
  NormState epilogue_;  // a norm that adds the bias, and nothing else
  std::shared_ptr<const LayerKernels> kernels_;
  std::optional<FusedConvOperators> operators_;
  mutable std::map<Shape, bool> fused_;
};

}  // namespace torchgraft
