#include "torch/models/layers.h"

#include <ATen/Functions.h>

#include <cmath>

#include "torch/ops/conv/convolution.h"
#include "torch/ops/norm/squeeze_excitation.h"

namespace torchgraft {

namespace {

constexpr double kHeadStd = 0.01;  // torchvision's RegNet: fc.weight is N(0, 0.01)

}  // namespace

at::Tensor Making::Normal(at::IntArrayRef shape, double std) const {
  auto tensor = at::empty(shape, at::device(device).dtype(at::kFloat));
  return device.is_meta() ? tensor : tensor.normal_(0, std, generator);
}

at::Tensor Making::Uniform(at::IntArrayRef shape, double bound) const {
  auto tensor = at::empty(shape, at::device(device).dtype(at::kFloat));
  return device.is_meta() ? tensor : tensor.uniform_(-bound, bound, generator);
}

at::Tensor Making::Full(at::IntArrayRef shape, double value, at::ScalarType dtype) const {
  return at::full(shape, value, at::device(device).dtype(dtype));
}

ConvImpl::ConvImpl(const ConvOptions& options, const Making& making)
    : options_(options), own_kernels_(making.own_kernels) {
  const auto& [in, out, kernel, stride, groups, bias] = options;
  const auto fan_out =
      static_cast<double>(kernel * kernel * out);  // not divided by groups, as in torchvision
  weight_ = register_parameter(
      "weight", making.Normal({out, in / groups, kernel, kernel}, std::sqrt(2 / fan_out)));
  if (!bias) return;
  const auto fan_in = static_cast<double>(in / groups * kernel * kernel);
  bias_ = register_parameter(
      "bias", making.Uniform({out}, 1 / std::sqrt(fan_in)));  // torch.nn.Conv2d's default
}

at::Tensor ConvImpl::forward(const at::Tensor& x, BatchMoments* moments) {
  const int64_t padding = options_.kernel / 2;
  if (own_kernels_)
    return Convolve(x, weight_, bias_, options_.stride, padding, options_.groups, moments);
  return at::conv2d(x, weight_, bias_, options_.stride, padding, /*dilation=*/1, options_.groups);
}

BatchNormImpl::BatchNormImpl(int64_t width, const Making& making)
    : own_kernels_(making.own_kernels), device_norm_(making.device_norm) {
  weight_ = register_parameter("weight", making.Full({width}, 1));
  bias_ = register_parameter("bias", making.Full({width}, 0));
  running_mean_ = register_buffer("running_mean", making.Full({width}, 0));
  running_var_ = register_buffer("running_var", making.Full({width}, 1));
  num_batches_tracked_ = register_buffer("num_batches_tracked", making.Full({}, 0, at::kLong));
}

NormState BatchNormImpl::Begin(const BatchMoments& moments) {
  if (Learns()) num_batches_tracked_.add_(1);
  return {weight_, bias_, running_mean_, running_var_, Learns(), moments, device_norm_.get()};
}

at::Tensor BatchNormImpl::forward(const at::Tensor& x, bool relu, const at::Tensor& added,
                                  const BatchMoments& moments) {
  const auto state = Begin(moments);
  if (IsFused(x)) return FusedNorm(x, state, added, relu);
  auto y = at::batch_norm(x, weight_, bias_, running_mean_, running_var_, state.learns,
                          kNormMomentum, kNormEps, /*cudnn_enabled=*/true);
  if (added.defined()) y = added.add(y);
  return relu ? y.relu_() : y;
}

Forked BatchNormImpl::Fork(const at::Tensor& x, bool relu, const at::Tensor& added,
                           const BatchMoments& moments) {
  if (IsFused(x)) return ForkedNorm(x, Begin(moments), added, relu);
  return Forked(forward(x, relu, added, moments));
}

BatchNormImpl::Affine BatchNormImpl::RunningAffine() const {
  const auto var = running_var_.to(at::kDouble);
  const auto scale = weight_.to(at::kDouble).div(var.add(kNormEps).sqrt());
  return {scale, bias_.to(at::kDouble).sub(running_mean_.to(at::kDouble).mul(scale))};
}

ConvNormImpl::ConvNormImpl(const ConvOptions& options, bool relu, const Making& making)
    : relu_(relu),
      conv_(register_module("0", Conv(options, making))),
      norm_(register_module("1", BatchNorm(options.out, making))) {}

ConvNormImpl::Convolved ConvNormImpl::Convolve(const at::Tensor& x) {
  Convolved convolved;
  convolved.y = conv_->forward(x, norm_->TakesMoments() ? &convolved.moments : nullptr);
  return convolved;
}

at::Tensor ConvNormImpl::forward(const at::Tensor& x) {
  const auto [y, moments] = Convolve(x);
  return norm_->forward(y, relu_, /*added=*/{}, moments);
}

Forked ConvNormImpl::Fork(const at::Tensor& x) {
  const auto [y, moments] = Convolve(x);
  return norm_->Fork(y, relu_, /*added=*/{}, moments);
}

Forked ConvNormImpl::ForkAdded(const at::Tensor& x, const at::Tensor& added) {
  const auto [y, moments] = Convolve(x);
  return norm_->Fork(y, /*relu=*/true, added, moments);
}

FoldedConv ConvNormImpl::Folded(at::ScalarType type) const {
  const auto [scale, shift] = norm_->RunningAffine();
  const auto weight = conv_->weight().to(at::kDouble).mul(scale.view({-1, 1, 1, 1}));
  return {weight, shift, conv_->options().stride, conv_->options().groups, type};
}

SqueezeExcitationImpl::SqueezeExcitationImpl(int64_t width, int64_t squeezed, const Making& making)
    : own_kernels_(making.own_kernels),
      fc1_(register_module("fc1",
                           Conv(ConvOptions{.in = width, .out = squeezed, .bias = true}, making))),
      fc2_(register_module(
          "fc2", Conv(ConvOptions{.in = squeezed, .out = width, .bias = true}, making))) {}

at::Tensor SqueezeExcitationImpl::forward(const at::Tensor& x) {
  if (own_kernels_ && FusedNormTakes(x)) {
    return FusedExcitation(x, fc1_->weight(), fc1_->bias(), fc2_->weight(), fc2_->bias());
  }
  const auto pooled = at::adaptive_avg_pool2d(x, {1, 1});
  return x * fc2_->forward(fc1_->forward(pooled).relu_()).sigmoid_();
}

FoldedExcitation SqueezeExcitationImpl::Folded() const {
  return {fc1_->weight().flatten(1), fc1_->bias(), fc2_->weight().flatten(1), fc2_->bias()};
}

LinearImpl::LinearImpl(int64_t in, int64_t out, const Making& making) {
  weight_ = register_parameter("weight", making.Normal({out, in}, kHeadStd));
  bias_ = register_parameter("bias", making.Full({out}, 0));
}

at::Tensor LinearImpl::forward(const at::Tensor& x) { return at::linear(x, weight_, bias_); }

}  // namespace torchgraft
