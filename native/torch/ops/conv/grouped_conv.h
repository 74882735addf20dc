#pragma once

#include <torch/types.h>

#include "torch/kernels/isa/cpu_level.h"
#include "torch/ops/norm/channel_stats.h"

namespace torchgraft {

// Direct 3×3 convolutions in groups, padded by one, on a CPU (kernels/conv3x3_grouped): libtorch's
// reach a third of what the processor can. Images are channels_last, float32 or bfloat16; the
// weight has any layout. Equal bytes for equal shapes and numbers of threads.

// Whether there is a kernel for it. The weight is [out, in in a group, 3, 3].
bool HasGroupedConv(CpuLevel level, at::ScalarType type, at::IntArrayRef weight, int64_t groups,
                    int64_t stride);

// Fills in the moments of the outputs, where `moments` is given.
at::Tensor GroupedForward(CpuLevel level, const at::Tensor& x, const at::Tensor& weight,
                          int64_t stride, BatchStats* moments = nullptr);

at::Tensor GroupedDataGradient(CpuLevel level, const at::Tensor& dy, const at::Tensor& weight,
                               at::IntArrayRef x_shape, int64_t stride);

// In the weight's layout.
at::Tensor GroupedWeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                                 const at::Tensor& weight, int64_t stride);

// The same for inference: the weights packed once, a bias, and a ReLU where it is asked for.
class GroupedScoring {
 public:
  GroupedScoring(CpuLevel level, const at::Tensor& weight, const at::Tensor& bias, int64_t stride);

  at::Tensor Run(const at::Tensor& x, bool relu) const;

 private:
  CpuLevel level_;
  int64_t stride_;
  at::Tensor weight_;  // for the fallback, which packs it otherwise
  at::Tensor packed_;
  at::Tensor bias_;
};

}  // namespace torchgraft
