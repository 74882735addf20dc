#pragma once

#include <ATen/core/Tensor.h>

#include "torch/kernels/isa/cpu_level.h"
#include "torch/ops/norm/channel_stats.h"

namespace torchgraft {

// A matrix product with pixels as rows, [pixels, in] × [in, out], and the epilogue of a 1×1
// convolution: bias, residual, ReLU. By our kernels (kernels/conv1x1), with the matrix packed in
// the order in which they read it. Each output is one sum in the order of the inputs, whatever the
// threads.
class PackedGemm {
 public:
  // Whether there is a kernel for it: float32 or bfloat16.
  static bool Has(CpuLevel level, at::ScalarType type, int64_t in, int64_t out);

  // The matrix is [in, out]. The bias, where there is one, is [out] and float32.
  PackedGemm(CpuLevel level, const at::Tensor& matrix, const at::Tensor& bias = {});

  // x is [n, in, h, w], channels_last, of which every `stride`th pixel in both directions is read.
  // `added`, the residual, has the result's shape and type, channels_last too, or is undefined.
  at::Tensor Run(const at::Tensor& x, int64_t stride = 1, bool relu = false,
                 const at::Tensor& added = {}) const;

  // The same without an epilogue. Fills in the moments of the outputs where `moments` is given, for
  // the batch norm that follows.
  at::Tensor RunForNorm(const at::Tensor& x, int64_t stride, BatchStats* moments) const;

  // The data gradient with a stride: x [n, in, …] times the matrix goes to every `stride`th pixel
  // of the result, [n, out, h, w], with zeros between them (ZeroInsert).
  at::Tensor RunZeroInserted(const at::Tensor& x, at::IntArrayRef y_shape, int64_t stride) const;

 private:
  at::Tensor RunInto(const at::Tensor& x, int64_t stride, bool relu, const at::Tensor& added,
                     BatchStats* moments) const;
  template <typename Element>
  void RunAs(const at::Tensor& x, int64_t stride, bool relu, const at::Tensor& added,
             const at::Tensor& y, BatchStats* moments) const;
  void RunTiles(const at::Tensor& x, int64_t x_stride, bool relu, const at::Tensor& added,
                const at::Tensor& y, int64_t y_stride, BatchStats* moments) const;

  CpuLevel level_;
  int64_t in_;
  int64_t out_;
  at::Tensor packed_;
  at::Tensor bias_;
};

}  // namespace torchgraft
