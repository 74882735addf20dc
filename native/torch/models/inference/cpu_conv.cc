#include "torch/models/inference/cpu_conv.h"

#include <ATen/Functions.h>

#include "torch/ops/autograd_function.h"
#include "torch/ops/conv/conv_algorithm.h"

namespace torchgraft {

namespace {

using Conv = std::variant<FusedConv, PackedGemm, GroupedScoring>;

Conv MakeConv(const at::Tensor& weight, const at::Tensor& bias, const ConvGeometry& geometry,
              at::ScalarType type) {
  const auto& [stride, padding, groups] = geometry;
  const auto level = BestCpuLevel();
  const ConvShape shape{.in = weight.size(1) * groups,
                        .out = weight.size(0),
                        .kernel = weight.size(2),
                        .stride = stride,
                        .padding = padding,
                        .groups = groups,
                        .width = 0};
  switch (ChooseScoring(level, type, shape)) {
    case ConvAlgorithm::kPacked:
      return PackedGemm(level, weight.to(type).flatten(1).t(), bias);
    case ConvAlgorithm::kDirect:
      return GroupedScoring(level, weight.to(type), bias, stride);
    default:
      return FusedConv(weight, bias, geometry, type);
  }
}

}  // namespace

CpuConv::CpuConv(const at::Tensor& weight, const at::Tensor& bias, const ConvGeometry& geometry,
                 at::ScalarType type)
    : stride_(geometry.stride), conv_(MakeConv(weight, bias, geometry, type)) {}

at::Tensor CpuConv::Run(const at::Tensor& x, bool relu) const {
  if (const auto* product = std::get_if<PackedGemm>(&conv_))
    return product->Run(ChannelsLast(x), stride_, relu);
  if (const auto* grouped = std::get_if<GroupedScoring>(&conv_))
    return grouped->Run(ChannelsLast(x), relu);
  return std::get<FusedConv>(conv_).Run(x, relu);
}

at::Tensor CpuConv::RunResidual(const at::Tensor& x, const at::Tensor& residual) const {
  if (const auto* product = std::get_if<PackedGemm>(&conv_))
    return product->Run(ChannelsLast(x), stride_, /*relu=*/true, ChannelsLast(residual));
  return std::get<FusedConv>(conv_).RunResidual(x, residual);
}

}  // namespace torchgraft
