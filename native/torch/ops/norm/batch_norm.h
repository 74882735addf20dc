#pragma once

#include <ATen/core/Tensor.h>

#include "torch/ops/norm/batch_norm_passes.h"

namespace torchgraft {

// An output with two readers. Their gradients come back apart, so that a layer with kernels of its
// own can add them on its way instead of autograd in a pass for itself.
struct Forked {
  at::Tensor main;
  at::Tensor shortcut;

  explicit Forked(const at::Tensor& both) : main(both), shortcut(both) {}
  Forked(const at::Tensor& main, const at::Tensor& shortcut) : main(main), shortcut(shortcut) {}
};

// Whether the kernels take such a tensor: float or bf16 on the CPU, or what `device` takes.
bool FusedNormTakes(const at::Tensor& x, const DeviceNorm* device = nullptr);

// Batch norm in one with what follows it: relu(norm(x) + added), channels_last. `added` may be
// undefined; where it is not, there is ReLU.
at::Tensor FusedNorm(const at::Tensor& x, const NormState& norm, const at::Tensor& added,
                     bool relu);
Forked ForkedNorm(const at::Tensor& x, const NormState& norm, const at::Tensor& added, bool relu);

}  // namespace torchgraft
