#include "check/norm/excitation_check.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <stdexcept>

#include "check/cuda/host_runner.h"
#include "check/distances.h"
#include "torch/ops/norm/batch_norm.h"
#include "torch/ops/norm/squeeze_excitation.h"
#include "torch/optim/autocast.h"

namespace torchgraft {

namespace {

struct ExcitationCase {
  at::ScalarType type;
  at::Tensor x, w1, b1, w2, b2, dy;
};

// `odd`: the first image has a NaN, the last an infinity.
ExcitationCase Draw(at::ScalarType type, const std::vector<int64_t>& shape, bool odd) {
  const auto generator = at::detail::createCPUGenerator(/*seed=*/7);
  const auto normal = [&](at::IntArrayRef size) { return at::randn(size, generator, at::kFloat); };
  const int64_t channels = shape.at(1);
  const int64_t squeezed = std::max<int64_t>(1, channels / 4);
  const auto pixels = [&](const at::Tensor& drawn) {
    return drawn.to(type).contiguous(at::MemoryFormat::ChannelsLast);
  };
  auto x = normal(shape).relu();  // as it comes from the layer before
  if (odd) {
    x[0][0][0][0] = std::nan("");
    x[-1][channels - 1][0][0] = std::numeric_limits<float>::infinity();
  }
  return {.type = type,
          .x = pixels(x),
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
    const bool low = type == at::kBFloat16 || type == at::kHalf;
    const AutocastGuard autocast(at::kCPU, low, low ? type : at::kBFloat16);
    y = excitation(x, weights);
  }
  torch::autograd::backward({y}, {drawn.dy.to(type)});
  return {{"y", y.detach()},          {"dx", x.grad()},           {"dw1", weights[0].grad()},
          {"db1", weights[1].grad()}, {"dw2", weights[2].grad()}, {"db2", weights[3].grad()}};
}

// By our kernels: the CPU's, or, as C++, a GPU's.
Results Ours(const ExcitationCase& drawn, const LayerKernels* device) {
  return Work(drawn, drawn.type, [&](const at::Tensor& x, const std::vector<at::Tensor>& w) {
    if (!CanFuseNorm(x, device)) throw std::logic_error("The kernels do not take this tensor");
    return FusedExcitation(x, w[0], w[1], w[2], w[3], device);
  });
}

// By libtorch's operations, one by one.
Results Theirs(const ExcitationCase& drawn, at::ScalarType type) {
  return Work(drawn, type, [](const at::Tensor& x, const std::vector<at::Tensor>& w) {
    const auto squeezed = at::conv2d(at::adaptive_avg_pool2d(x, {1, 1}), w[0], w[1]).relu();
    return x * at::conv2d(squeezed, w[2], w[3]).sigmoid();
  });
}

void CheckShapes(const std::vector<std::string>& arguments, const std::vector<std::string>& kinds,
                 const std::function<void(const ExcitationCase&)>& check) {
  const char* before = "{";
  for (const auto& kind : kinds) {
    for (size_t i = 1; i < arguments.size(); ++i) {
      std::printf("%s\"%s%s\":", before, kind.c_str(), arguments[i].c_str());
      before = ",";
      check(Draw(TypeOf(arguments[0]), ShapeOf(arguments[i]), /*odd=*/!kind.empty()));
    }
  }
  std::printf("}\n");
}

}  // namespace

void CheckExcitation(const std::vector<std::string>& arguments) {
  CheckShapes(arguments, {""}, [](const ExcitationCase& drawn) {
    Compare(Theirs(drawn, at::kDouble), Ours(drawn, nullptr), Ours(drawn, nullptr),
            Theirs(drawn, drawn.type));
  });
}

void CheckExcitationOfGpu(const std::vector<std::string>& arguments) {
  const auto kernels = KernelsOnHost(TypeOf(arguments.at(0)));
  CheckShapes(arguments, {"", "n "}, [&](const ExcitationCase& drawn) {
    const bool has_own = drawn.type != at::kHalf;
    Compare(Theirs(drawn, at::kDouble), Ours(drawn, &kernels), Ours(drawn, &kernels),
            has_own ? Ours(drawn, nullptr) : Theirs(drawn, drawn.type));
  });
}

}  // namespace torchgraft
