#include "torch/ops/conv/pointwise_conv.h"

#include <ATen/Functions.h>

#include "torch/ops/conv/packed_gemm.h"
#include "torch/ops/conv/pointwise_weight_grad.h"
#include "torch/ops/strided_grid.h"

namespace torchgraft {

namespace {

// [n, h, w, channels] of every `stride`th pixel, contiguous.
at::Tensor StridedPixels(const at::Tensor& x, int64_t stride) {
  const auto pixels = x.permute({0, 2, 3, 1});
  if (stride == 1) return pixels;
  return pixels.slice(1, 0, std::nullopt, stride).slice(2, 0, std::nullopt, stride).contiguous();
}

at::Tensor Rows(const at::Tensor& pixels) { return pixels.view({-1, pixels.size(3)}); }

at::Tensor Matrix(const at::Tensor& weight) {
  return weight.view({weight.size(0), weight.size(1)});
}

}  // namespace

at::Tensor PackedForward(CpuLevel level, const at::Tensor& x, const at::Tensor& weight,
                         int64_t stride, BatchStats* moments) {
  return PackedGemm(level, Matrix(weight).t()).RunForNorm(x, stride, moments);
}

at::Tensor PackedDataGradient(CpuLevel level, const at::Tensor& dy, const at::Tensor& weight,
                              at::IntArrayRef x_shape, int64_t stride) {
  const PackedGemm product(level, Matrix(weight));
  return stride == 1 ? product.Run(dy) : product.RunZeroInserted(dy, x_shape, stride);
}

at::Tensor PointwiseForward(const at::Tensor& x, const at::Tensor& weight, int64_t stride) {
  const auto pixels = StridedPixels(x, stride);
  return at::mm(Rows(pixels), Matrix(weight).t())
      .view({pixels.size(0), pixels.size(1), pixels.size(2), weight.size(0)})
      .permute({0, 3, 1, 2});
}

at::Tensor PointwiseDataGradient(const at::Tensor& dy, const at::Tensor& weight,
                                 at::IntArrayRef x_shape, int64_t stride) {
  const auto pixels = StridedPixels(dy, /*stride=*/1);
  const auto dx = at::mm(Rows(pixels), Matrix(weight))
                      .view({pixels.size(0), pixels.size(1), pixels.size(2), weight.size(1)})
                      .permute({0, 3, 1, 2});
  return stride == 1 ? dx : ZeroInsert(dx, x_shape, stride);
}

at::Tensor PointwiseWeightGradient(const at::Tensor& x, const at::Tensor& dy,
                                   const at::Tensor& weight, int64_t stride) {
  auto dweight = at::empty_like(weight);
  auto matrix = Matrix(dweight);
  at::mm_out(matrix, Rows(StridedPixels(dy, /*stride=*/1)).t(), Rows(StridedPixels(x, stride)));
  return dweight;
}

at::Tensor PackedWeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                                const at::Tensor& weight, int64_t stride) {
  auto dweight = at::empty_like(weight);
  PointwiseGradientInto(level, x, dy, stride, Matrix(dweight));
  return dweight;
}

}  // namespace torchgraft
