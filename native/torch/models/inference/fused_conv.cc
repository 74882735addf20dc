#include "torch/models/inference/fused_conv.h"

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string_view>

namespace torchgraft {

namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;
using OptionalName = std::optional<std::string_view>;

using Reorder = at::Tensor(const at::Tensor& weight, at::IntArrayRef padding,
                           at::IntArrayRef stride, at::IntArrayRef dilation, int64_t groups,
                           at::OptionalIntArrayRef input_size);
using Unary = at::Tensor(const at::Tensor& x, const at::Tensor& weight,
                         const std::optional<at::Tensor>& bias, at::IntArrayRef padding,
                         at::IntArrayRef stride, at::IntArrayRef dilation, int64_t groups,
                         std::string_view unary, Scalars unary_scalars, OptionalName algorithm);
using Binary = at::Tensor(const at::Tensor& x, const at::Tensor& other, const at::Tensor& weight,
                          const std::optional<at::Tensor>& bias, at::IntArrayRef padding,
                          at::IntArrayRef stride, at::IntArrayRef dilation, int64_t groups,
                          std::string_view binary, std::optional<at::Scalar> alpha,
                          OptionalName unary, Scalars unary_scalars, OptionalName algorithm);

constexpr int64_t kDilation[] = {1, 1};

// They have no C++ function of their own. Asked for by name, so that a libtorch without them still
// loads; throws where they take something else.
template <typename Signature>
c10::TypedOperatorHandle<Signature> Find(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

}  // namespace

FusedConv::FusedConv(const at::Tensor& weight, const at::Tensor& bias, const ConvGeometry& geometry,
                     at::ScalarType type)
    : bias_(bias.to(type)), geometry_(geometry) {
  const auto& [stride, padding, groups] = geometry;
  Find<Unary>("mkldnn::_convolution_pointwise");
  Find<Binary>("mkldnn::_convolution_pointwise", "binary");
  weight_ = Find<Reorder>("mkldnn::_reorder_convolution_weight")
                .call(weight.to(type).contiguous(at::MemoryFormat::ChannelsLast),
                      {padding, padding}, {stride, stride}, kDilation, groups, std::nullopt);
}

at::Tensor FusedConv::Run(const at::Tensor& x, bool relu) const {
  static const auto conv = Find<Unary>("mkldnn::_convolution_pointwise");
  const auto& [stride, padding, groups] = geometry_;
  return conv.call(x, weight_, bias_, {padding, padding}, {stride, stride}, kDilation, groups,
                   relu ? "relu" : "none", Scalars(), std::nullopt);
}

at::Tensor FusedConv::RunResidual(const at::Tensor& x, const at::Tensor& residual) const {
  static const auto conv = Find<Binary>("mkldnn::_convolution_pointwise", "binary");
  const auto& [stride, padding, groups] = geometry_;
  return conv.call(x, residual, weight_, bias_, {padding, padding}, {stride, stride}, kDilation,
                   groups, "add", at::Scalar(1.0), "relu", Scalars(), std::nullopt);
}

}  // namespace torchgraft
