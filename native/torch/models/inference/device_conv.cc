#include "torch/models/inference/device_conv.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <limits>
#include <utility>

#include "torch/ops/norm/batch_norm.h"

namespace torchgraft {

namespace {

// How far the fused operator may be from the other, of the largest output: that one rounds once
// more, and products add up in another order.
constexpr double kTolerance = 0.05;

constexpr int64_t kDilation[] = {1, 1};

}  // namespace

DeviceConv::DeviceConv(const at::Tensor& weight, const at::Tensor& bias,
                       const ConvGeometry& geometry, at::ScalarType type,
                       std::shared_ptr<const LayerKernels> kernels,
                       std::optional<FusedConvOperators> fused)
    : geometry_(geometry),
      weight_(
          weight.to(type, /*non_blocking=*/false, /*copy=*/true, at::MemoryFormat::ChannelsLast)),
      bias_(bias.to(type)),
      kernels_(std::move(kernels)),
      operators_(std::move(fused)) {
  const auto floats = bias.options().dtype(at::kFloat);
  epilogue_ = {.weight = at::ones(bias.sizes(), floats),
               .bias = bias.to(at::kFloat),
               .running_mean = at::zeros(bias.sizes(), floats),
               .running_var = at::ones(bias.sizes(), floats),
               .batches = at::zeros({}, bias.options().dtype(at::kLong)),
               .training = false,
               .eps = 0,
               .momentum = 0};
  epilogue_.device = kernels_.get();
}

void DeviceConv::Refold(const at::Tensor& weight, const at::Tensor& bias) {
  weight_.copy_(weight);
  bias_.copy_(bias);
  epilogue_.bias.copy_(bias);
}

std::vector<bool> DeviceConv::fused() const {
  std::vector<bool> taken;
  for (const auto& [shape, is_fused] : fused_) taken.push_back(is_fused);
  return taken;
}

at::Tensor DeviceConv::Run(const at::Tensor& x, bool relu) const {
  if (IsProduct(x)) return Product(x, relu);
  return relu ? FusedOrNot(x, {}) : InTwoPasses(x, {}, relu);
}

at::Tensor DeviceConv::RunResidual(const at::Tensor& x, const at::Tensor& residual) const {
  return FusedOrNot(x, residual);
}

// Not in float, which cuDNN multiplies as TF32 by PyTorch's default, and cuBLAS does not.
bool DeviceConv::IsProduct(const at::Tensor& x) const {
  return weight_.size(2) == 1 && geometry_.stride == 1 && geometry_.padding == 0 &&
         geometry_.groups == 1 && x.scalar_type() != at::kFloat;
}

at::Tensor DeviceConv::Product(const at::Tensor& x, bool relu) const {
  const auto rows = x.permute({0, 2, 3, 1}).reshape({-1, x.size(1)});
  const auto columns = weight_.flatten(1).t();
  const auto y =
      relu ? at::_addmm_activation(bias_, rows, columns) : at::addmm(bias_, rows, columns);
  return y.view({x.size(0), x.size(2), x.size(3), -1}).permute({0, 3, 1, 2});
}

at::Tensor DeviceConv::Fused(const at::Tensor& x, const at::Tensor& residual) const {
  return residual.defined() ? operators_->add_relu(x, weight_, residual, bias_, geometry_)
                            : operators_->relu(x, weight_, bias_, geometry_);
}

at::Tensor DeviceConv::InTwoPasses(const at::Tensor& x, const at::Tensor& residual,
                                   bool relu) const {
  const auto& [stride, padding, groups] = geometry_;
  auto y =
      at::conv2d(x, weight_, /*bias=*/{}, {stride, stride}, {padding, padding}, kDilation, groups);
  if (kernels_ && CanFuseNorm(y, kernels_.get())) return FusedNorm(y, epilogue_, residual, relu);
  y.add_(bias_.view({1, -1, 1, 1}));
  if (residual.defined()) y.add_(residual);
  return relu ? y.relu_() : y;
}

at::Tensor DeviceConv::FusedOrNot(const at::Tensor& x, const at::Tensor& residual) const {
  if (!operators_) return InTwoPasses(x, residual, /*relu=*/true);
  const Shape shape{x.size(0), x.size(2), x.size(3), residual.defined()};
  const auto found = fused_.find(shape);
  if (found == fused_.end()) {
    auto y = InTwoPasses(x, residual, /*relu=*/true);
    fused_.emplace(shape, FusedComesTo(y, x, residual));
    return y;
  }
  return found->second ? Fused(x, residual) : InTwoPasses(x, residual, /*relu=*/true);
}

bool DeviceConv::FusedComesTo(const at::Tensor& expected, const at::Tensor& x,
                              const at::Tensor& residual) const {
  try {
    // The allocator gives this memory to the next tensor of the size, the operator's output: if
    // that is read before it is written, the result is not a number.
    at::full_like(expected, std::numeric_limits<double>::quiet_NaN());
    const auto y = Fused(x, residual);
    if (y.sizes() != expected.sizes()) return false;
    const auto largest = expected.abs().max().item<double>();
    return (y - expected).abs().max().item<double>() <= kTolerance * largest;
  } catch (const c10::Error&) {
    return false;
  }
}

}  // namespace torchgraft
