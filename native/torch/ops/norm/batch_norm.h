#pragma once

#include <ATen/core/Tensor.h>

#include "torch/ops/norm/batch_norm_passes.h"

namespace torchgraft {

// An activation [n, channels, h, w] that a block's main branch and its shortcut read: the same
// numbers as two outputs, so that their gradients come back apart and the layer before adds them in
// its own pass over the tensor, instead of autograd in a pass for that alone.
struct ResidualBranches {
  at::Tensor main;
  at::Tensor shortcut;

  explicit ResidualBranches(const at::Tensor& both) : main(both), shortcut(both) {}
  ResidualBranches(const at::Tensor& main, const at::Tensor& shortcut)
      : main(main), shortcut(shortcut) {}
};

// Whether the kernels take such a tensor: float or bf16 on the CPU, or what `device` takes.
bool CanFuseNorm(const at::Tensor& x, const LayerKernels* device = nullptr);

// Batch norm with the residual sum and ReLU in the same pass: relu(norm(x) + residual), x and
// residual [n, channels, h, w], channels_last. The residual may be undefined; where there is one,
// there is ReLU.
at::Tensor FusedNorm(const at::Tensor& x, const NormState& norm, const at::Tensor& residual,
                     bool relu);
ResidualBranches FusedNormBranches(const at::Tensor& x, const NormState& norm,
                                   const at::Tensor& residual, bool relu);

}  // namespace torchgraft
