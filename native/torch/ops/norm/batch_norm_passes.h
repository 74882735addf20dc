#pragma once

#include <ATen/core/Tensor.h>

#include "torch/ops/norm/channel_stats.h"

namespace torchgraft {

class LayerKernels;

// A batch norm's parameters [channels] and running statistics [channels], float32, and how a pass
// uses them.
struct NormState {
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor running_mean;
  at::Tensor running_var;
  at::Tensor batches;  // int64: how many the running statistics have seen
  // By the batch's statistics, which the running ones follow; else by the running ones.
  bool training;
  double eps;                            // added to the variance
  double momentum;                       // what the batch weighs in the running statistics
  BatchStats stats = {};                 // of the batch; empty: they are yet to be computed
  const LayerKernels* device = nullptr;  // who computes it on a CUDA device; lives with the model
};

// The output of a forward pass, and what the backward pass takes of it.
struct Normed {
  at::Tensor y;
  at::Tensor coefficients;  // [4, channels]: mean, scale, bias, 1 / standard deviation
  at::Tensor relu_mask;     // a bit an element: whether ReLU let it through; only with a residual
};

struct NormGradients {
  at::Tensor x;
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor residual;  // undefined: there was none
};

// batch_norm.h's arithmetic without autograd, on the CPU: x is float or bf16, channels_last.
// Without `remember` no backward pass can follow.
Normed NormForwardPass(const at::Tensor& x, const NormState& norm, const at::Tensor& residual,
                       bool relu, bool remember);

// From the gradient of y, and from that of y's second reader, which may be undefined.
NormGradients NormBackwardPass(const at::Tensor& x, const at::Tensor& weight, const Normed& normed,
                               const at::Tensor& dy, const at::Tensor& dy_shortcut, bool relu,
                               bool training);

}  // namespace torchgraft
