#include "torch/ops/conv/convolution.h"

#include <ATen/Functions.h>
#include <ATen/autocast_mode.h>

#include <array>
#include <vector>

#include "torch/ops/autograd_function.h"
#include "torch/ops/conv/conv_algorithm.h"
#include "torch/ops/conv/grouped_conv.h"
#include "torch/ops/conv/pointwise_conv.h"

namespace torchgraft {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

ConvShape ShapeOf(const at::Tensor& x, const at::Tensor& weight, int64_t stride, int64_t padding,
                  int64_t groups) {
  return {.in = x.size(1),
          .out = weight.size(0),
          .kernel = weight.size(2),
          .stride = stride,
          .padding = padding,
          .groups = groups,
          .width = x.size(3)};
}

at::Tensor LibraryForward(const ConvShape& shape, const at::Tensor& x, const at::Tensor& weight,
                          const at::Tensor& bias) {
  const std::array<int64_t, 2> stride{shape.stride, shape.stride};
  const std::array<int64_t, 2> padding{shape.padding, shape.padding};
  return at::conv2d(x, weight, bias, stride, padding, /*dilation=*/1, shape.groups);
}

// Of x where `of` is 0, of the weight where it is 1.
at::Tensor LibraryGradient(const ConvShape& shape, const at::Tensor& dy, const at::Tensor& x,
                           const at::Tensor& weight, size_t of) {
  const std::array<int64_t, 2> stride{shape.stride, shape.stride};
  const std::array<int64_t, 2> padding{shape.padding, shape.padding};
  const auto gradients = at::convolution_backward(
      dy, x, weight, /*bias_sizes=*/std::nullopt, stride, padding, /*dilation=*/1,
      /*transposed=*/false, /*output_padding=*/0, shape.groups, {of == 0, of == 1, false});
  return of == 0 ? std::get<0>(gradients) : std::get<1>(gradients);
}

at::Tensor Forward(ConvAlgorithm algorithm, const ConvShape& shape, const at::Tensor& x,
                   const at::Tensor& weight, BatchStats* moments) {
  if (algorithm == ConvAlgorithm::kDirect)
    return GroupedForward(BestCpuLevel(), x, weight, shape.stride, moments);
  if (algorithm == ConvAlgorithm::kPacked)
    return PackedForward(BestCpuLevel(), x, weight, shape.stride, moments);
  if (algorithm == ConvAlgorithm::kProduct) return PointwiseForward(x, weight, shape.stride);
  return LibraryForward(shape, x, weight, /*bias=*/{});
}

at::Tensor DataGradient(ConvAlgorithm algorithm, const ConvShape& shape, const at::Tensor& dy,
                        const at::Tensor& x, const at::Tensor& weight) {
  if (algorithm == ConvAlgorithm::kDirect)
    return GroupedDataGradient(BestCpuLevel(), dy, weight, x.sizes(), shape.stride);
  if (algorithm == ConvAlgorithm::kPacked)
    return PackedDataGradient(BestCpuLevel(), dy, weight, x.sizes(), shape.stride);
  if (algorithm == ConvAlgorithm::kProduct)
    return PointwiseDataGradient(dy, weight, x.sizes(), shape.stride);
  return LibraryGradient(shape, dy, x, weight, 0);
}

at::Tensor WeightGradient(ConvAlgorithm algorithm, const ConvShape& shape, const at::Tensor& dy,
                          const at::Tensor& x, const at::Tensor& weight) {
  if (algorithm == ConvAlgorithm::kDirect)
    return GroupedWeightGradient(BestCpuLevel(), x, dy, weight, shape.stride);
  if (algorithm == ConvAlgorithm::kPacked)
    return PackedWeightGradient(BestCpuLevel(), x, dy, weight, shape.stride);
  if (algorithm == ConvAlgorithm::kProduct)
    return PointwiseWeightGradient(x, dy, weight, shape.stride);
  return LibraryGradient(shape, dy, x, weight, 1);
}

struct Convolution : torch::autograd::Function<Convolution> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const ConvShape& shape, BatchStats* moments) {
    context->save_for_backward({x, weight});
    context->saved_data["steps"] = std::vector<int64_t>{shape.stride, shape.padding, shape.groups};
    const auto choice = ChooseConv(BestCpuLevel(), x.scalar_type(), shape);
    return Forward(choice.forward, shape, x, weight, moments);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const NoAutocast guard;
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto& weight = saved[1];
    const auto steps = context->saved_data["steps"].toIntVector();
    const auto shape = ShapeOf(x, weight, steps[0], steps[1], steps[2]);
    const auto choice = ChooseConv(BestCpuLevel(), x.scalar_type(), shape);
    const auto dy = ChannelsLast(gradients[0]);
    at::Tensor dx;
    at::Tensor dweight;
    if (context->needs_input_grad(0)) dx = DataGradient(choice.data_gradient, shape, dy, x, weight);
    if (context->needs_input_grad(1))
      dweight = WeightGradient(choice.weight_gradient, shape, dy, x, weight);
    return {dx, dweight, {}, {}};
  }
};

// Whether conv_algorithm.h's algorithms take these tensors.
bool Fits(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return x.device().is_cpu() && x.dim() == 4 && x.numel() > 0 && !bias.defined() &&
         weight.size(2) == weight.size(3) && x.scalar_type() == weight.scalar_type() &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

at::Tensor Convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    int64_t stride, int64_t padding, int64_t groups, BatchStats* moments) {
  const auto shape = ShapeOf(x, weight, stride, padding, groups);
  if (x.device().is_cpu() && at::autocast::is_autocast_enabled(at::kCPU)) {
    const auto type = at::autocast::get_autocast_dtype(at::kCPU);
    const auto cast = [type](const at::Tensor& tensor) {
      return at::autocast::cached_cast(type, tensor, at::kCPU);
    };
    const NoAutocast guard;
    return Convolve(cast(x), cast(weight), bias.defined() ? cast(bias) : bias, stride, padding,
                    groups, moments);
  }
  const bool known =
      Fits(x, weight, bias) && !ChooseConv(BestCpuLevel(), x.scalar_type(), shape).AllLibrary();
  return known ? Convolution::apply(x, weight, shape, moments)
               : LibraryForward(shape, x, weight, bias);
}

}  // namespace torchgraft
