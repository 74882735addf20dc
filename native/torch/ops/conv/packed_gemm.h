#pragma once

#include <ATen/core/Tensor.h>

#include "torch/kernels/isa/cpu_level.h"
#include "torch/ops/norm/channel_stats.h"

namespace torchgraft {

// Pixels times a matrix, with what follows a 1×1 convolution: bias, a sum, ReLU. By loops of our
// own, with the matrix packed as they read it. Each output is one sum in the order of the inputs,
// whatever the threads.
class PackedGemm {
 public:
  // Whether there are loops for it: float32 or bfloat16.
  static bool Has(CpuLevel level, at::ScalarType type, int64_t in, int64_t out);

  // The matrix is [in, out]. The bias, where there is one, is [out] and float32.
  PackedGemm(CpuLevel level, const at::Tensor& matrix, const at::Tensor& bias = {});

  // x is [n, in, h, w], channels_last; met is each `stride`th pixel of both directions. `added`,
  // where it is defined, has the result's shape and type, channels_last too.
  at::Tensor Run(const at::Tensor& x, int64_t stride = 1, bool relu = false,
                 const at::Tensor& added = {}) const;

  // The same without what follows. Fills in the moments of what comes out, where they are asked
  // for.
  at::Tensor RunForNorm(const at::Tensor& x, int64_t stride, BatchMoments* moments) const;

  // The other way: x are the pixels that are met of the result, [n, out, h, w], which is zero
  // between them.
  at::Tensor RunZeroInserted(const at::Tensor& x, at::IntArrayRef y_shape, int64_t stride) const;

 private:
  at::Tensor RunInto(const at::Tensor& x, int64_t stride, bool relu, const at::Tensor& added,
                     BatchMoments* moments) const;
  template <typename Element>
  void RunAs(const at::Tensor& x, int64_t stride, bool relu, const at::Tensor& added,
             const at::Tensor& y, BatchMoments* moments) const;
  void RunTiles(const at::Tensor& x, int64_t x_stride, bool relu, const at::Tensor& added,
                const at::Tensor& y, int64_t y_stride, BatchMoments* moments) const;

  CpuLevel level_;
  int64_t in_;
  int64_t out_;
  at::Tensor packed_;
  at::Tensor bias_;
};

}  // namespace torchgraft
