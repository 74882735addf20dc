#include "check/norm/norm_check.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <stdexcept>

#include "check/cuda/host_runner.h"
#include "check/distances.h"
#include "torch/ops/norm/batch_norm.h"

namespace torchgraft {

namespace {

constexpr double kEps = 1e-5;
constexpr double kMomentum = 0.1;

struct NormCase {
  at::ScalarType type;
  bool relu;
  bool adds;
  bool forks;
  bool learns;
  bool odd;  // has infinities and NaN
  at::Tensor x{}, added{}, weight{}, bias{}, running_mean{}, running_var{}, dy{}, more{};
};

NormCase Draw(at::ScalarType type, const std::string& kind, const std::vector<int64_t>& shape) {
  const auto has = [&](char letter) { return kind.find(letter) != std::string::npos; };
  NormCase drawn{.type = type,
                 .relu = has('r') || has('a'),
                 .adds = has('a'),
                 .forks = has('f'),
                 .learns = !has('z'),
                 .odd = has('n')};
  const auto generator = at::detail::createCPUGenerator(/*seed=*/7);
  const auto normal = [&](at::IntArrayRef size) { return at::randn(size, generator, at::kFloat); };
  const auto pixels = [&](double mean, double scale) {
    return (normal(shape) * scale + mean).to(drawn.type).contiguous(at::MemoryFormat::ChannelsLast);
  };
  const int64_t channels = shape.at(1);
  drawn.x = pixels(/*mean=*/3, /*scale=*/0.5);
  if (drawn.odd) {
    drawn.x[0][0][0][0] = std::nan("");
    drawn.x[0][channels / 2][0][0] = std::numeric_limits<float>::infinity();
    drawn.x[0][channels - 1][0][0] = -std::numeric_limits<float>::infinity();
  }
  drawn.added = pixels(0, 1);
  drawn.dy = pixels(0, 1);
  drawn.more = pixels(0.1, 1);
  drawn.weight = normal({channels}) * 0.3 + 1;
  drawn.bias = normal({channels}) * 0.3;
  drawn.running_mean = normal({channels}) * 0.1 + 3;
  drawn.running_var = normal({channels}).abs() + 0.1;
  return drawn;
}

// In a type of float or double; the batch norm's parameters stay float with bf16.
template <typename Function>
Results Work(const NormCase& drawn, at::ScalarType type, const Function& norm) {
  const auto numbers = type == at::kDouble ? at::kDouble : at::kFloat;
  const auto leaf = [](const at::Tensor& tensor, at::ScalarType as) {
    return tensor.to(as, /*non_blocking=*/false, /*copy=*/true).set_requires_grad(true);
  };
  const auto x = leaf(drawn.x, type);
  const auto added = drawn.adds ? leaf(drawn.added, type) : at::Tensor();
  const auto weight = leaf(drawn.weight, numbers);
  const auto bias = leaf(drawn.bias, numbers);
  const auto mean = drawn.running_mean.to(numbers, false, true);
  const auto var = drawn.running_var.to(numbers, false, true);
  const auto batches = at::full({}, 41, at::kLong);
  const ResidualBranches y =
      norm(x, NormState{weight, bias, mean, var, batches, drawn.learns, kEps, kMomentum}, added);
  std::vector<at::Tensor> outputs = {y.main};
  std::vector<at::Tensor> gradients = {drawn.dy.to(type)};
  if (drawn.forks) {
    outputs.push_back(y.shortcut);
    gradients.push_back(drawn.more.to(type));
  }
  torch::autograd::backward(outputs, gradients);
  Results results = {{"y", y.main.detach()},
                     {"dx", x.grad()},
                     {"dweight", weight.grad()},
                     {"dbias", bias.grad()},
                     {"running_mean", mean},
                     {"running_var", var},
                     {"batches", batches.to(at::kDouble)}};
  if (drawn.adds) results["dadded"] = added.grad();
  return results;
}

// By our kernels: the CPU's, or, as C++, a GPU's.
Results Ours(const NormCase& drawn, const LayerKernels* device) {
  return Work(drawn, drawn.type, [&](const at::Tensor& x, NormState norm, const at::Tensor& added) {
    if (!CanFuseNorm(x, device)) throw std::logic_error("The kernels do not take this tensor");
    norm.device = device;
    if (drawn.forks) return FusedNormBranches(x, norm, added, drawn.relu);
    return ResidualBranches(FusedNorm(x, norm, added, drawn.relu));
  });
}

// By libtorch's operations, one by one.
Results Theirs(const NormCase& drawn, at::ScalarType type) {
  return Work(
      drawn, type, [&](const at::Tensor& x, const NormState& norm, const at::Tensor& added) {
        if (norm.training) norm.batches.add_(1);
        auto y = at::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var,
                                norm.training, kMomentum, kEps, /*cudnn_enabled=*/false);
        if (added.defined()) y = added.add(y);
        return ResidualBranches(drawn.relu ? y.relu() : y);
      });
}

void CheckShapes(const std::vector<std::string>& arguments, const std::vector<std::string>& kinds,
                 const std::function<void(const NormCase&)>& check) {
  const auto type = TypeOf(arguments.at(0));
  const char* before = "{";
  for (const auto& kind : kinds) {
    for (size_t i = 1; i < arguments.size(); ++i) {
      std::printf("%s\"%s %s\":", before, kind.c_str(), arguments[i].c_str());
      check(Draw(type, kind, ShapeOf(arguments[i])));
      before = ",";
    }
  }
  std::printf("}\n");
}

}  // namespace

void CheckNorm(const std::vector<std::string>& arguments) {
  const auto check = [](const NormCase& drawn) {
    Compare(Theirs(drawn, at::kDouble), Ours(drawn, nullptr), Ours(drawn, nullptr),
            Theirs(drawn, drawn.type));
  };
  CheckShapes(arguments, {"", "r", "rf", "a", "af", "z", "rz", "afz"}, check);
}

void CheckNormOfGpu(const std::vector<std::string>& arguments) {
  const auto kernels = KernelsOnHost(TypeOf(arguments.at(0)));
  const auto check = [&](const NormCase& drawn) {
    const bool has_own = drawn.type != at::kHalf;
    Compare(Theirs(drawn, at::kDouble), Ours(drawn, &kernels), Ours(drawn, &kernels),
            has_own ? Ours(drawn, nullptr) : Theirs(drawn, drawn.type));
  };
  CheckShapes(arguments,
              {"", "r", "rf", "a", "af", "z", "rz", "rfz", "az", "afz", "n", "rn", "afn", "nz",
               "rnz", "afnz"},
              check);
}

}  // namespace torchgraft
