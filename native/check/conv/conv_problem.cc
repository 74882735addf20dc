#include "check/conv/conv_problem.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace torchgraft {

namespace {

// Of the numbers that are finite; those that are not must be so in both.
double Distance(const at::Tensor& own, const at::Tensor& exact) {
  const auto infinite = exact.isfinite().logical_not();
  if (own.isfinite().logical_and(infinite).any().item<bool>()) return INFINITY;
  const auto apart = (own.to(at::kDouble) - exact).masked_fill(infinite, 0);
  return (apart.abs().max() / exact.masked_fill(infinite, 0).abs().max()).item<double>();
}

void Print(const char* name, const Passes& passes, const Passes& exact) {
  std::printf("\"%s\":[", name);
  for (size_t i = 0; i < passes.size(); ++i) {
    const double relative = Distance(passes[i], exact[i]);
    if (i > 0) std::printf(",");
    if (std::isfinite(relative))
      std::printf("%.3e", relative);
    else
      std::printf("null");
  }
  std::printf("],");
}

}  // namespace

std::string Problem::Name() const {
  return std::to_string(kernel) + "x" + std::to_string(kernel) + " of " + std::to_string(in) +
         " to " + std::to_string(out) + " in " + std::to_string(groups) + " groups, stride " +
         std::to_string(stride) + ", " + std::to_string(images) + "x" + std::to_string(height) +
         "x" + std::to_string(width) + ", " + c10::toString(type);
}

Numbers::Numbers(const Problem& p) {
  const auto generator = at::detail::createCPUGenerator(/*seed_val=*/7);
  const auto normal = [&](at::IntArrayRef shape) {
    return at::empty(shape, at::kFloat)
        .normal_(0, 1, generator)
        .to(p.type)
        .contiguous(at::MemoryFormat::ChannelsLast);
  };
  x = normal({p.images, p.in, p.height, p.width});
  weight = normal({p.out, p.in / p.groups, p.kernel, p.kernel});
  dy = normal({p.images, p.out, (p.height - 1) / p.stride + 1, (p.width - 1) / p.stride + 1});
}

Passes Numbers::Through(const Conv& conv, at::ScalarType type) const {
  const auto a = x.to(type).detach().requires_grad_();
  const auto w = weight.to(type).detach().requires_grad_();
  const auto y = conv(a, w);
  y.backward(dy.to(y.scalar_type()));
  return {y.detach(), a.grad(), w.grad()};
}

Conv LibraryConv(const Problem& p) {
  return [p](const at::Tensor& x, const at::Tensor& weight) {
    return at::conv2d(x, weight, /*bias=*/{}, at::IntArrayRef{p.stride, p.stride},
                      at::IntArrayRef{p.kernel / 2, p.kernel / 2}, /*dilation=*/1, p.groups);
  };
}

void PrintRow(const std::string& name, const Passes& exact, const Passes& library,
              const std::function<Passes()>& ours) {
  const auto passes = ours();
  const auto again = ours();
  static bool first = true;
  std::printf("%s{\"name\":\"%s\",", first ? "" : ",", name.c_str());
  first = false;
  Print("own", passes, exact);
  Print("library", library, exact);
  const bool same =
      std::equal(passes.begin(), passes.end(), again.begin(),
                 [](const auto& a, const auto& b) { return a.nan_to_num().equal(b.nan_to_num()); });
  std::printf("\"repeats\":%s}\n", same ? "true" : "false");
}

void Report(const Problem& p, const std::string& by, const Numbers& numbers,
            const std::function<Passes(const Numbers&)>& ours) {
  const auto library = LibraryConv(p);
  PrintRow(by + ", " + p.Name(), numbers.Through(library, at::kDouble),
           numbers.Through(library, p.type), [&] { return ours(numbers); });
}

void Report(const Problem& p, const std::string& by,
            const std::function<Passes(const Numbers&)>& ours) {
  Report(p, by, Numbers(p), ours);
}

}  // namespace torchgraft
