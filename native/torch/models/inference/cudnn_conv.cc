#include "torch/models/inference/cudnn_conv.h"

#include <ATen/ops/cudnn_convolution_add_relu.h>
#include <ATen/ops/cudnn_convolution_relu.h>

namespace torchgraft {

namespace {

constexpr int64_t kDilation[] = {1, 1};

}  // namespace

FusedConvOperators CudnnOperators() {
  return {
      .relu =
          [](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
             const ConvGeometry& geometry) {
            const auto& [stride, padding, groups] = geometry;
            return at::cudnn_convolution_relu(x, weight, bias, {stride, stride}, {padding, padding},
                                              kDilation, groups);
          },
      .add_relu =
          [](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& residual,
             const at::Tensor& bias, const ConvGeometry& geometry) {
            const auto& [stride, padding, groups] = geometry;
            return at::cudnn_convolution_add_relu(x, weight, residual, /*alpha=*/1.0, bias,
                                                  {stride, stride}, {padding, padding}, kDilation,
                                                  groups);
          },
  };
}

}  // namespace torchgraft
