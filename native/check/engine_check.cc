// A program for the tests: works the optimizer, the scaler and autocast as a training step does,
// without a model, and prints what came of it as JSON. test/parity/generate.py does the same with
// PyTorch.
//
//   engine_check adam adam|adamw STEPS
//   engine_check scaler INIT GROWTH BACKOFF INTERVAL SCRIPT    f: finite gradients, i: one is not
//   engine_check actions ACTION...                             unscale, step, update
//   engine_check autocast
//   engine_check arena STEPS SEED
//   engine_check render SEED
//   engine_check snap SEED
//   engine_check render-kernel SEED [cuda]    what runs on a GPU, here or there
//   engine_check render-speed [cuda]          of a batch of 128; not by the tests
//   engine_check nvrtc CAPABILITY...          90: 9.0
//   engine_check norm fp32|bf16 NxCxHxW...
//   engine_check convolutions
//   engine_check excitation fp32|bf16 NxCxHxW...
//   engine_check threads THREADS COUNT GRAIN
//   engine_check convolution-speed fp32|bf16 GROUP_WIDTH    not by the tests
//   engine_check pointwise-speed fp32|bf16 THREADS [warm|cold [IN OUT SIDE STRIDE]]    nor this

#include <ATen/Functions.h>
#include <ATen/autocast_mode.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "check/arena_check.h"
#include "check/conv/convolution_check.h"
#include "check/conv/convolution_speed.h"
#include "check/conv/pointwise_speed.h"
#include "check/images/render_check.h"
#include "check/images/render_kernel_check.h"
#include "check/images/render_speed.h"
#include "check/images/resample_check.h"
#include "check/norm/excitation_check.h"
#include "check/norm/norm_check.h"
#include "check/threads_check.h"
#include "torch/optim/adam.h"
#include "torch/optim/autocast.h"
#include "torch/optim/grad_scaler.h"

namespace torchgraft {

namespace {

using Arguments = std::vector<std::string>;

// Integers of 32 bits from a name and a place.
uint32_t Draw(const std::string& name, uint32_t place) {
  uint32_t seed = 2166136261;
  for (const char byte : name) seed = (seed ^ static_cast<uint8_t>(byte)) * 16777619;
  uint32_t x = place * 2654435761 + seed;
  x = (x ^ (x >> 16)) * 0x85EBCA6B;
  x = (x ^ (x >> 13)) * 0xC2B2AE35;
  return x ^ (x >> 16);
}

// From −1 to 1, times a factor.
at::Tensor Numbers(const std::string& name, int64_t count, double factor) {
  const auto numbers = at::empty({count}, at::kDouble);
  auto* data = numbers.data_ptr<double>();
  for (int64_t i = 0; i < count; ++i)
    data[i] = (Draw(name, static_cast<uint32_t>(i)) / 2147483648.0 - 1) * factor;
  return numbers.to(at::kFloat);
}

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
      parameters.push_back(Numbers(names[p], kCount, magnitudes[p]).set_requires_grad(true));
      adam.Add(names[p], parameters[p], groups[p]);
    }
  }

  // Magnitudes from 1e-3 to 10, another at each step; not finite in one place if asked for.
  void SetGradients(int64_t step, const at::Tensor& scale, bool finite) {
    for (size_t p = 0; p < names.size(); ++p) {
      const auto exponent = (step * 7 + static_cast<int64_t>(p) * 3) % 5 - 3;
      auto gradient = Numbers(names[p] + " " + std::to_string(step), kCount,
                              std::pow(10.0, static_cast<double>(exponent)));
      if (!finite && p == 1) gradient[0] = std::numeric_limits<float>::infinity();
      parameters[p].mutable_grad() = gradient * scale;
    }
  }

  Adam adam;
  std::vector<at::Tensor> parameters;
};

void CheckAdam(const Arguments& arguments) {
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

void CheckScaler(const Arguments& arguments) {
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

void CheckActions(const Arguments& actions) {
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

// What autocast is on this thread, in one line.
std::string Describe() {
  namespace autocast = at::autocast;
  std::string state = autocast::is_autocast_enabled(at::kCPU) ? "on " : "off ";
  state += c10::toString(autocast::get_autocast_dtype(at::kCPU));
  state += autocast::is_autocast_cache_enabled() ? " cached" : " uncached";
  const int nesting = autocast::increment_nesting();
  autocast::decrement_nesting();
  return state + " " + std::to_string(nesting - 1);
}

void CheckAutocast() {
  const auto show = [](const char* name, const std::string& state, const char* end = ",") {
    std::printf("\"%s\":\"%s\"%s", name, state.c_str(), end);
  };
  const auto weight = Numbers("weight", 16, 1).view({4, 4}).set_requires_grad(true);
  const auto product = [&] { return at::linear(at::ones({1, 4}), weight).sum().item<double>(); };

  std::printf("{");
  show("before", Describe());
  {
    const AutocastGuard guard(at::kCPU, true, at::kBFloat16);
    show("within", Describe());
    product();
    {
      const at::NoGradGuard no_grad;
      weight.zero_();
    }
  }
  show("after", Describe());
  {
    // The first scope's copy of the weight in bf16 must not be used again.
    const AutocastGuard guard(at::kCPU, true, at::kBFloat16);
    std::printf("\"stale\":%g,", product());
  }
  try {
    const AutocastGuard guard(at::kCPU, true, at::kHalf);
    throw std::runtime_error("a step that failed");
  } catch (const std::runtime_error&) {
    show("after an error", Describe());
  }

  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kHalf);
  at::autocast::set_autocast_cache_enabled(false);
  show("the user's own", Describe());
  {
    const AutocastGuard guard(at::kCPU, false, at::kFloat);
    show("fp32 within", Describe());
  }
  show("the user's own again", Describe(), "}\n");
}

void Run(const std::string& check, const Arguments& arguments) {
  if (check == "adam") return CheckAdam(arguments);
  if (check == "scaler") return CheckScaler(arguments);
  if (check == "actions") return CheckActions(arguments);
  if (check == "autocast") return CheckAutocast();
  if (check == "arena") return CheckArena(arguments);
  if (check == "render") return CheckRender(arguments);
  if (check == "render-kernel") return CheckRenderKernel(arguments);
  if (check == "render-speed") return TimeRender(arguments);
  if (check == "nvrtc") return CheckNvrtc(arguments);
  if (check == "snap") return CheckResample(arguments);
  if (check == "norm") return CheckNorm(arguments);
  if (check == "convolutions") return CheckConvolutions();
  if (check == "excitation") return CheckExcitation(arguments);
  if (check == "threads") return CheckThreads(arguments);
  if (check == "convolution-speed") return TimeConvolutions(arguments);
  if (check == "pointwise-speed") return TimePointwise(arguments);
  throw std::invalid_argument("There is no check " + check);
}

}  // namespace

}  // namespace torchgraft

int main(int count, char** arguments) {
  try {
    const std::string check = count > 1 ? arguments[1] : "";
    torchgraft::Run(check, {arguments + std::min(count, 2), arguments + count});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
