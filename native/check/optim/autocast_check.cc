#include "check/optim/autocast_check.h"

#include <ATen/Functions.h>
#include <ATen/autocast_mode.h>

#include <cstdio>
#include <stdexcept>

#include "check/optim/drawn_numbers.h"
#include "torch/optim/autocast.h"

namespace torchgraft {

namespace {

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

}  // namespace

void CheckAutocast(const std::vector<std::string>&) {
  const auto show = [](const char* name, const std::string& state, const char* end = ",") {
    std::printf("\"%s\":\"%s\"%s", name, state.c_str(), end);
  };
  const auto weight = DrawnNumbers("weight", 16, 1).view({4, 4}).set_requires_grad(true);
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

}  // namespace torchgraft
