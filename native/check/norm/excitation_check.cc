#include "check/norm/excitation_check.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cstdio>

#include "check/distances.h"
#include "torch/ops/norm/squeeze_excitation.h"
#include "torch/optim/autocast.h"

namespace torchgraft {

namespace {

struct ExcitationCase {
  at::ScalarType type;
  at::Tensor x, w1, b1, w2, b2, dy;
};

ExcitationCase Draw(at::ScalarType type, const std::vector<int64_t>& shape) {
  const auto generator = at::detail::createCPUGenerator(/*seed=*/7);
  const auto normal = [&](at::IntArrayRef size) { return at::randn(size, generator, at::kFloat); };
  const int64_t channels = shape.at(1);
  const int64_t squeezed = std::max<int64_t>(1, channels / 4);
  const auto pixels = [&](const at::Tensor& drawn) {
    return drawn.to(type).contiguous(at::MemoryFormat::ChannelsLast);
  };
  return {.type = type,
          .x = pixels(normal(shape).relu()),  // as it comes from the layer before
          .w1 = normal({squeezed, channels, 1, 1}) * 0.3,
          .b1 = normal({squeezed}) * 0.1,
          .w2 = normal({channels, squeezed, 1, 1}) * 0.3,
          .b2 = normal({channels}) * 0.1,
          .dy = pixels(normal(shape))};
}

// In a type of float or double; the weights stay float with bf16.
template <typename Function>
Results Work(const ExcitationCase& drawn, at::ScalarType type, const Function& excitation) {
  const auto numbers = type == at::kDouble ? at::kDouble : at::kFloat;
  const auto leaf = [](const at::Tensor& tensor, at::ScalarType as) {
    return tensor.to(as, /*non_blocking=*/false, /*copy=*/true).set_requires_grad(true);
  };
  const auto x = leaf(drawn.x, type);
  const std::vector<at::Tensor> weights = {leaf(drawn.w1, numbers), leaf(drawn.b1, numbers),
                                           leaf(drawn.w2, numbers), leaf(drawn.b2, numbers)};
  at::Tensor y;
  {
    const AutocastGuard autocast(at::kCPU, type == at::kBFloat16, at::kBFloat16);
    y = excitation(x, weights);
  }
  torch::autograd::backward({y}, {drawn.dy.to(type)});
  return {{"y", y.detach()},          {"dx", x.grad()},           {"dw1", weights[0].grad()},
          {"db1", weights[1].grad()}, {"dw2", weights[2].grad()}, {"db2", weights[3].grad()}};
}

}  // namespace

void CheckExcitation(const std::vector<std::string>& arguments) {
  const auto type = arguments.at(0) == "bf16" ? at::kBFloat16 : at::kFloat;
  const auto ours = [](const at::Tensor& x, const std::vector<at::Tensor>& w) {
    return FusedExcitation(x, w[0], w[1], w[2], w[3]);
  };
  const auto theirs = [](const at::Tensor& x, const std::vector<at::Tensor>& w) {
    const auto squeezed = at::conv2d(at::adaptive_avg_pool2d(x, {1, 1}), w[0], w[1]).relu();
    return x * at::conv2d(squeezed, w[2], w[3]).sigmoid();
  };
  const char* before = "{";
  for (size_t i = 1; i < arguments.size(); ++i) {
    const auto drawn = Draw(type, ShapeOf(arguments[i]));
    std::printf("%s\"%s\":", before, arguments[i].c_str());
    before = ",";
    Compare(Work(drawn, at::kDouble, theirs), Work(drawn, type, ours), Work(drawn, type, ours),
            Work(drawn, type, theirs));
  }
  std::printf("}\n");
}

}  // namespace torchgraft
