#include "pointwise_conv.h"

#include <ATen/Functions.h>

#include "pointwise_gradient.h"

namespace torchgraft {

namespace {

// [n, h, w, channels] of the pixels met, contiguous.
at::Tensor Met(const at::Tensor& x, int64_t stride) {
  const auto pixels = x.permute({0, 2, 3, 1});
  if (stride == 1) return pixels;
  return pixels.slice(1, 0, std::nullopt, stride).slice(2, 0, std::nullopt, stride).contiguous();
}

at::Tensor Rows(const at::Tensor& pixels) { return pixels.view({-1, pixels.size(3)}); }

at::Tensor Matrix(const at::Tensor& weight) {
  return weight.view({weight.size(0), weight.size(1)});
}

}  // namespace

at::Tensor PointwiseForward(const at::Tensor& x, const at::Tensor& weight, int64_t stride) {
  const auto pixels = Met(x, stride);
  return at::mm(Rows(pixels), Matrix(weight).t())
      .view({pixels.size(0), pixels.size(1), pixels.size(2), weight.size(0)})
      .permute({0, 3, 1, 2});
}

at::Tensor PointwiseDataGradient(const at::Tensor& dy, const at::Tensor& weight,
                                 at::IntArrayRef x_shape, int64_t stride) {
  const auto pixels = Met(dy, /*stride=*/1);
  const auto dx = at::mm(Rows(pixels), Matrix(weight))
                      .view({pixels.size(0), pixels.size(1), pixels.size(2), weight.size(1)});
  if (stride == 1) return dx.permute({0, 3, 1, 2});
  const auto spread = at::zeros({x_shape[0], x_shape[2], x_shape[3], x_shape[1]}, dy.options());
  spread.slice(1, 0, std::nullopt, stride).slice(2, 0, std::nullopt, stride).copy_(dx);
  return spread.permute({0, 3, 1, 2});
}

at::Tensor PointwiseWeightGradient(const at::Tensor& x, const at::Tensor& dy,
                                   const at::Tensor& weight, int64_t stride) {
  auto dweight = at::empty_like(weight);
  auto matrix = Matrix(dweight);
  at::mm_out(matrix, Rows(Met(dy, /*stride=*/1)).t(), Rows(Met(x, stride)));
  return dweight;
}

at::Tensor PointwiseDirectWeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                                         const at::Tensor& weight, int64_t stride) {
  auto dweight = at::empty_like(weight);
  PointwiseGradientInto(level, Rows(Met(x, stride)), Rows(Met(dy, /*stride=*/1)), Matrix(dweight));
  return dweight;
}

}  // namespace torchgraft
