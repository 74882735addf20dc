#pragma once

#include <ATen/core/Tensor.h>

#include "torch/ops/norm/channel_stats.h"

namespace torchgraft {

class DeviceNorm;

// A batch norm's parameters [channels] and running statistics [channels], float32, and how a pass
// uses them.
struct NormState {
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor running_mean;
  at::Tensor running_var;
  // By the batch's statistics, which the running ones follow; else by the running ones.
  bool learns;
  double eps;                          // added to the variance
  double momentum;                     // what the batch weighs in the running statistics
  BatchStats stats = {};               // of the batch; empty: they are yet to be computed
  const DeviceNorm* device = nullptr;  // who computes it on a CUDA device; lives with the model
};

// What a forward pass gives, and leaves for the backward pass.
struct Normed {
  at::Tensor y;
  at::Tensor coefficients;  // of each channel: mean, scale, bias, 1 / standard deviation
  at::Tensor passed;        // a bit for each that ReLU let through, where something was added
};

struct NormGradients {
  at::Tensor x;
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor added;  // undefined where nothing was
};

// The arithmetic of fused_norm.h without autograd: tensors of float or bf16, channels_last. What
// `remember` is false for has no backward pass.
Normed NormForwardPass(const at::Tensor& x, const NormState& norm, const at::Tensor& added,
                       bool relu, bool remember);

// From the gradient of y, and from that of its other reader, which may be undefined.
NormGradients NormBackwardPass(const at::Tensor& x, const at::Tensor& weight, const Normed& normed,
                               const at::Tensor& dy, const at::Tensor& more, bool relu,
                               bool learns);

}  // namespace torchgraft
