#include "check/optim/optimizer_check.h"

#include <ATen/Functions.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <stdexcept>

#include "check/optim/drawn_numbers.h"
#include "torch/optim/adam.h"
#include "torch/optim/grad_scaler.h"

namespace torchgraft {

namespace {

void Print(const at::Tensor& tensor) {
  const auto flat = tensor.to(at::kDouble).flatten().contiguous();
  const double* numbers = flat.const_data_ptr<double>();
  std::printf("[");
  for (int64_t i = 0; i < flat.numel(); ++i) std::printf("%s%.9g", i ? "," : "", numbers[i]);
  std::printf("]");
}

// Parameters of different magnitudes in two groups, with a decay and a learning rate each.
struct Problem {
  static constexpr int64_t kCount = 48;
  const std::vector<std::string> names = {"w0", "w1", "w2"};
  const std::vector<double> magnitudes = {1, 0.1, 3};
  const std::vector<size_t> groups = {0, 1, 0};

  explicit Problem(bool decoupled)
      : adam({.decoupled = decoupled,
              .fused = true,
              .beta1 = 0.9,
              .beta2 = 0.999,
              .eps = 1e-8,
              .groups = {{.lr_scale = 1, .weight_decay = 0.02},
                         {.lr_scale = 2, .weight_decay = 0}}}) {
    for (size_t p = 0; p < names.size(); ++p) {
      parameters.push_back(DrawnNumbers(names[p], kCount, magnitudes[p]).set_requires_grad(true));
      adam.Add(names[p], parameters[p], groups[p]);
    }
  }

  // Magnitudes from 1e-3 to 10, another at each step; not finite in one place if asked for.
  void SetGradients(int64_t step, const at::Tensor& scale, bool finite) {
    for (size_t p = 0; p < names.size(); ++p) {
      const auto exponent = (step * 7 + static_cast<int64_t>(p) * 3) % 5 - 3;
      auto gradient = DrawnNumbers(names[p] + " " + std::to_string(step), kCount,
                                   std::pow(10.0, static_cast<double>(exponent)));
      if (!finite && p == 1) gradient[0] = std::numeric_limits<float>::infinity();
      parameters[p].mutable_grad() = gradient * scale;
    }
  }

  Adam adam;
  std::vector<at::Tensor> parameters;
};

}  // namespace

void CheckAdam(const std::vector<std::string>& arguments) {
  Problem problem(arguments.at(0) == "adamw");
  const int64_t steps = std::stol(arguments.at(1));
  GradScaler scaler(
      {.init_scale = 1024, .growth_factor = 2, .backoff_factor = 0.5, .growth_interval = 50},
      at::kCPU);
  for (int64_t step = 1; step <= steps; ++step) {
    problem.SetGradients(step, scaler.scale(), /*finite=*/step % 97 != 13);
    problem.adam.SetLr(1e-3 * static_cast<double>(1 + step % 10));
    scaler.Step(problem.adam);
    scaler.Update();
  }
  std::printf("{");
  for (const auto& parameter : problem.adam.parameters()) {
    std::printf("%s\"%s\":{\"value\":", parameter.name == "w0" ? "" : ",", parameter.name.c_str());
    Print(parameter.value.detach());
    std::printf(",\"exp_avg\":");
    Print(parameter.exp_avg);
    std::printf(",\"exp_avg_sq\":");
    Print(parameter.exp_avg_sq);
    std::printf(",\"step\":%g}", parameter.step.item<double>());
  }
  std::printf(",\"scale\":%.9g}\n", scaler.scale().item<double>());
}

void CheckScaler(const std::vector<std::string>& arguments) {
  Problem problem(/*decoupled=*/false);
  GradScaler scaler({.init_scale = std::stod(arguments.at(0)),
                     .growth_factor = std::stod(arguments.at(1)),
                     .backoff_factor = std::stod(arguments.at(2)),
                     .growth_interval = std::stol(arguments.at(3))},
                    at::kCPU);
  const auto& script = arguments.at(4);
  std::printf("[");
  for (size_t i = 0; i < script.size(); ++i) {
    problem.SetGradients(static_cast<int64_t>(i), scaler.scale(), script[i] == 'f');
    problem.adam.SetLr(1e-3);
    if (i % 2) scaler.Unscale(problem.adam);  // either way must come to the same
    scaler.Step(problem.adam);
    scaler.Update();
    std::map<std::string, double> state;
    for (const auto& entry : scaler.State()) state[entry.name] = entry.tensor.item<double>();
    std::printf("%s[%.9g,%g,%g]", i ? "," : "", state.at("scaler.scale"),
                state.at("scaler._growth_tracker"),
                problem.adam.parameters()[0].step.item<double>());
  }
  std::printf("]\n");
}

void CheckActions(const std::vector<std::string>& actions) {
  Problem problem(/*decoupled=*/false);
  GradScaler scaler(
      {.init_scale = 2, .growth_factor = 2, .backoff_factor = 0.5, .growth_interval = 1}, at::kCPU);
  problem.adam.SetLr(1e-3);
  try {
    for (const auto& action : actions) {
      problem.SetGradients(0, scaler.scale(), /*finite=*/true);
      if (action == "unscale") scaler.Unscale(problem.adam);
      if (action == "step") scaler.Step(problem.adam);
      if (action == "update") scaler.Update();
    }
    std::printf("null\n");
  } catch (const std::logic_error& error) {
    std::printf("\"%s\"\n", error.what());
  }
}

}  // namespace torchgraft
