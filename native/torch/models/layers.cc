#include "torch/models/layers.h"

#include <ATen/Functions.h>

#include "torch/ops/conv/convolution.h"
#include "torch/ops/norm/squeeze_excitation.h"

namespace torchgraft {

at::Tensor Activate(at::Tensor x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x.relu_();
    case Activation::kSigmoid:
      return x.sigmoid_();
  }
  return x;
}

ConvImpl::ConvImpl(const ConvOptions& options, const LayerContext& context)
    : options_(options), own_kernels_(context.own_kernels) {
  const int64_t in_group = options.in / options.groups;
  weight_.tensor = register_parameter(
      "weight",
      context.init.Draw({options.out, in_group, options.kernel, options.kernel}, options.weight));
  if (options.bias)
    bias_ = register_parameter("bias", context.init.Draw({options.out}, *options.bias));
}

at::Tensor ConvImpl::forward(const at::Tensor& x, BatchStats* stats) {
  const auto& [in, out, kernel, stride, padding, groups, weight, bias] = options_;
  if (own_kernels_) return Convolve(x, weight_.Get(), bias_, stride, padding, groups, stats);
  return at::conv2d(x, weight_.Get(), bias_, stride, padding, /*dilation=*/1, groups);
}

std::string ConvImpl::Describe(GraphBuilder& graph, const LayerPath& at,
                               const std::string& x) const {
  return graph.Add({.op = Op::kConv,
                    .name = at.node,
                    .inputs = {x},
                    .weight = at.state + ".weight",
                    .bias = bias_.defined() ? at.state + ".bias" : "",
                    .kernel = options_.kernel,
                    .stride = options_.stride,
                    .padding = options_.padding,
                    .groups = options_.groups});
}

BatchNormImpl::BatchNormImpl(int64_t channels, const BatchNormOptions& options,
                             const LayerContext& context)
    : options_(options),
      own_kernels_(context.own_kernels),
      device_kernels_(context.device_kernels) {
  const auto& init = context.init;
  weight_ = register_parameter("weight", init.Full({channels}, 1));
  bias_ = register_parameter("bias", init.Full({channels}, 0));
  running_mean_ = register_buffer("running_mean", init.Full({channels}, 0));
  running_var_ = register_buffer("running_var", init.Full({channels}, 1));
  num_batches_tracked_ = register_buffer("num_batches_tracked", init.Full({}, 0, at::kLong));
}

NormState BatchNormImpl::State(const BatchStats& stats) const {
  return {.weight = weight_,
          .bias = bias_,
          .running_mean = running_mean_,
          .running_var = running_var_,
          .batches = num_batches_tracked_,
          .training = UsesBatchStats(),
          .eps = options_.eps,
          .momentum = options_.momentum,
          .stats = stats,
          .device = device_kernels_.get()};
}

at::Tensor BatchNormImpl::forward(const at::Tensor& x, bool relu, const at::Tensor& residual,
                                  const BatchStats& stats) {
  if (IsFused(x)) return FusedNorm(x, State(stats), residual, relu);
  if (UsesBatchStats()) num_batches_tracked_.add_(1);
  auto y = at::batch_norm(x, weight_, bias_, running_mean_, running_var_, UsesBatchStats(),
                          options_.momentum, options_.eps, /*cudnn_enabled=*/true);
  if (residual.defined()) y = residual.add(y);
  return relu ? y.relu_() : y;
}

ResidualBranches BatchNormImpl::ForwardBranches(const at::Tensor& x, bool relu,
                                                const at::Tensor& residual,
                                                const BatchStats& stats) {
  if (IsFused(x)) return FusedNormBranches(x, State(stats), residual, relu);
  return ResidualBranches(forward(x, relu, residual, stats));
}

std::string BatchNormImpl::Describe(GraphBuilder& graph, const LayerPath& at,
                                    const std::string& x) const {
  return graph.Add({.op = Op::kBatchNorm,
                    .name = at.node,
                    .inputs = {x},
                    .weight = at.state + ".weight",
                    .bias = at.state + ".bias",
                    .running_mean = at.state + ".running_mean",
                    .running_var = at.state + ".running_var",
                    .eps = options_.eps});
}

void FreezeBatchNorm(torch::nn::Module& model) {
  for (const auto& module : model.modules()) {
    if (auto* norm = module->as<BatchNormImpl>()) norm->Freeze();
  }
}

ConvNormImpl::ConvNormImpl(const ConvOptions& conv, Activation activation,
                           const LayerContext& context, const BatchNormOptions& norm)
    : activation_(activation),
      conv_(register_module("0", Conv(conv, context))),
      norm_(register_module("1", BatchNorm(conv.out, norm, context))) {}

ConvNormImpl::Convolved ConvNormImpl::Convolve(const at::Tensor& x) {
  Convolved convolved;
  convolved.y = conv_->forward(x, norm_->TakesStats() ? &convolved.stats : nullptr);
  return convolved;
}

at::Tensor ConvNormImpl::forward(const at::Tensor& x) {
  const auto [y, stats] = Convolve(x);
  const bool relu = activation_ == Activation::kRelu;
  const auto normed = norm_->forward(y, relu, /*residual=*/{}, stats);
  return relu ? normed : Activate(normed, activation_);
}

ResidualBranches ConvNormImpl::ForwardBranches(const at::Tensor& x) {
  if (activation_ != Activation::kRelu) return ResidualBranches(forward(x));
  const auto [y, stats] = Convolve(x);
  return norm_->ForwardBranches(y, /*relu=*/true, /*residual=*/{}, stats);
}

ResidualBranches ConvNormImpl::ForwardResidual(const at::Tensor& x, const at::Tensor& residual) {
  const auto [y, stats] = Convolve(x);
  return norm_->ForwardBranches(y, /*relu=*/true, residual, stats);
}

std::string ConvNormImpl::Describe(GraphBuilder& graph, const LayerPath& at,
                                   const std::string& x) const {
  const auto convolved = conv_->Describe(graph, {at.node, at.state + ".0"}, x);
  const auto normed = norm_->Describe(graph, {at.node + ".norm", at.state + ".1"}, convolved);
  if (activation_ == Activation::kNone) return normed;
  return graph.Add({.op = Op::kActivation,
                    .name = at.node + "." + NameOf(activation_),
                    .inputs = {normed},
                    .activation = activation_});
}

SqueezeExcitationImpl::SqueezeExcitationImpl(const ConvOptions& fc1, const ConvOptions& fc2,
                                             const LayerContext& context)
    : own_kernels_(context.own_kernels),
      device_kernels_(context.device_kernels),
      fc1_(register_module("fc1", Conv(fc1, context))),
      fc2_(register_module("fc2", Conv(fc2, context))) {}

at::Tensor SqueezeExcitationImpl::forward(const at::Tensor& x) {
  if ((own_kernels_ || device_kernels_) && CanFuseNorm(x, device_kernels_.get()))
    return FusedExcitation(x, fc1_->weight().tensor, fc1_->bias(), fc2_->weight().tensor,
                           fc2_->bias(), device_kernels_.get());
  const auto pooled = at::adaptive_avg_pool2d(x, {1, 1});
  return x * fc2_->forward(fc1_->forward(pooled).relu_()).sigmoid_();
}

std::string SqueezeExcitationImpl::Describe(GraphBuilder& graph, const LayerPath& at,
                                            const std::string& x) const {
  const auto fc = [&](const Conv& conv, const std::string& name, const std::string& input) {
    return conv->Describe(graph, {at.node + "." + name, at.state + "." + name}, input);
  };
  const auto activate = [&](Activation activation, const std::string& input) {
    return graph.Add({.op = Op::kActivation,
                      .name = at.node + "." + NameOf(activation),
                      .inputs = {input},
                      .activation = activation});
  };
  const auto pooled =
      graph.Add({.op = Op::kGlobalAvgPool, .name = at.node + ".avgpool", .inputs = {x}});
  const auto squeezed = activate(Activation::kRelu, fc(fc1_, "fc1", pooled));
  const auto scale = activate(Activation::kSigmoid, fc(fc2_, "fc2", squeezed));
  auto scaled = graph.Add({.op = Op::kMul, .name = at.node, .inputs = {x, scale}});
  graph.EndModule("SqueezeExcitation");
  return scaled;
}

LinearImpl::LinearImpl(const LinearOptions& options, const LayerContext& context) {
  const auto& [in, out, weight, bias] = options;
  weight_.tensor = register_parameter("weight", context.init.Draw({out, in}, weight));
  bias_.tensor = register_parameter("bias", context.init.Draw({out}, bias));
}

at::Tensor LinearImpl::forward(const at::Tensor& x) {
  return at::linear(x, weight_.Get(), bias_.Get());
}

std::string LinearImpl::Describe(GraphBuilder& graph, const LayerPath& at,
                                 const std::string& x) const {
  return graph.Add({.op = Op::kLinear,
                    .name = at.node,
                    .inputs = {x},
                    .weight = at.state + ".weight",
                    .bias = at.state + ".bias"});
}

}  // namespace torchgraft
