#include "convolution_check.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "torch/autocast.h"
#include "torch/convolution.h"
#include "torch/grouped_conv.h"
#include "torch/pixel_product.h"
#include "torch/pointwise_conv.h"
#include "torch/pointwise_gradient.h"

namespace torchgraft {

namespace {

constexpr int kThreads = 3;  // so that sums are split

struct Problem {
  int64_t pictures, in, out, kernel, stride, groups, height, width;
  at::ScalarType type;

  std::string Name() const {
    return std::to_string(kernel) + "x" + std::to_string(kernel) + " of " + std::to_string(in) +
           " to " + std::to_string(out) + " in " + std::to_string(groups) + " groups, stride " +
           std::to_string(stride) + ", " + std::to_string(pictures) + "x" + std::to_string(height) +
           "x" + std::to_string(width) + ", " + c10::toString(type);
  }
};

// Output, data gradient, weight gradient.
using Passes = std::vector<at::Tensor>;
using Conv = std::function<at::Tensor(const at::Tensor& x, const at::Tensor& weight)>;

struct Numbers {
  at::Tensor x, weight, dy;

  explicit Numbers(const Problem& p) {
    const auto generator = at::detail::createCPUGenerator(/*seed_val=*/7);
    const auto normal = [&](at::IntArrayRef shape) {
      return at::empty(shape, at::kFloat)
          .normal_(0, 1, generator)
          .to(p.type)
          .contiguous(at::MemoryFormat::ChannelsLast);
    };
    x = normal({p.pictures, p.in, p.height, p.width});
    weight = normal({p.out, p.in / p.groups, p.kernel, p.kernel});
    dy = normal({p.pictures, p.out, (p.height - 1) / p.stride + 1, (p.width - 1) / p.stride + 1});
  }

  Passes Through(const Conv& conv, at::ScalarType type) const {
    const auto a = x.to(type).detach().requires_grad_();
    const auto w = weight.to(type).detach().requires_grad_();
    const auto y = conv(a, w);
    y.backward(dy.to(y.scalar_type()));
    return {y.detach(), a.grad(), w.grad()};
  }
};

Conv Library(const Problem& p) {
  return [p](const at::Tensor& x, const at::Tensor& weight) {
    return at::conv2d(x, weight, /*bias=*/{}, at::IntArrayRef{p.stride, p.stride},
                      at::IntArrayRef{p.kernel / 2, p.kernel / 2}, /*dilation=*/1, p.groups);
  };
}

Conv Ours(const Problem& p) {
  return [p](const at::Tensor& x, const at::Tensor& weight) {
    return Convolve(x, weight, /*bias=*/{}, p.stride, p.kernel / 2, p.groups);
  };
}

void Print(const char* name, const Passes& passes, const Passes& exact) {
  std::printf("\"%s\":[", name);
  for (size_t i = 0; i < passes.size(); ++i) {
    const auto distance = (passes[i].to(at::kDouble) - exact[i]).abs().max();
    const double relative = (distance / exact[i].abs().max()).item<double>();
    if (i > 0) std::printf(",");
    if (std::isfinite(relative))
      std::printf("%.3e", relative);
    else
      std::printf("null");
  }
  std::printf("],");
}

void Report(const Problem& p, const char* by, const std::function<Passes(const Numbers&)>& ours) {
  const Numbers numbers(p);
  const auto exact = numbers.Through(Library(p), at::kDouble);
  const auto passes = ours(numbers);
  const auto again = ours(numbers);
  static bool first = true;
  std::printf("%s{\"name\":\"%s, %s\",", first ? "" : ",", by, p.Name().c_str());
  first = false;
  Print("own", passes, exact);
  Print("library", numbers.Through(Library(p), p.type), exact);
  const bool same = std::equal(passes.begin(), passes.end(), again.begin(),
                               [](const auto& a, const auto& b) { return a.equal(b); });
  std::printf("\"repeats\":%s}\n", same ? "true" : "false");
}

// The direct loops, whatever the table says of the shape.
void ReportGrouped(const Problem& p) {
  const auto level = BestCpuLevel();
  if (!HasGroupedConv(level, p.type, {p.out, p.in / p.groups, 3, 3}, p.groups, p.stride)) return;
  Report(p, "direct", [&](const Numbers& numbers) -> Passes {
    const auto& [x, weight, dy] = numbers;
    return {GroupedForward(level, x, weight, p.stride),
            GroupedDataGradient(level, dy, weight, x.sizes(), p.stride),
            GroupedWeightGradient(level, x, dy, weight, p.stride)};
  });
}

// The loops of 1×1, likewise; libtorch's product in the place of those that there are none of.
void ReportPacked(const Problem& p) {
  const auto level = BestCpuLevel();
  const bool outputs = PixelProduct::Has(level, p.type, p.in, p.out);
  const bool weights = HasPointwiseGradient(level, p.type, p.in, p.out);
  if (!outputs && !weights) return;
  Report(p, "packed", [&](const Numbers& numbers) -> Passes {
    const auto& [x, weight, dy] = numbers;
    return {
        outputs ? PackedForward(level, x, weight, p.stride) : PointwiseForward(x, weight, p.stride),
        outputs ? PackedDataGradient(level, dy, weight, x.sizes(), p.stride)
                : PointwiseDataGradient(dy, weight, x.sizes(), p.stride),
        weights ? PackedWeightGradient(level, x, dy, weight, p.stride)
                : PointwiseWeightGradient(x, dy, weight, p.stride)};
  });
}

void ReportConvolve(const Problem& p) {
  Report(p, "chosen", [&](const Numbers& numbers) { return numbers.Through(Ours(p), p.type); });
}

// Under autocast a picture and a weight in float32 must come to what libtorch's cast makes of them.
void ReportAutocast(const Problem& p) {
  const AutocastGuard guard(at::kCPU, true, at::kBFloat16);
  Report(p, "autocast", [&](const Numbers& numbers) {
    auto passes = numbers.Through(Ours(p), at::kFloat);
    if (passes[0].scalar_type() != at::kBFloat16)
      throw std::runtime_error("autocast casts no output");
    return passes;
  });
}

}  // namespace

void CheckConvolutions() {
  at::set_num_threads(kThreads);
  std::printf("[");
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t width : {8, 16, 24, 40, 48, 56, 64, 72, 112}) {
        for (const auto& [h, w] : {std::pair{1, 1}, {2, 5}, {7, 7}, {14, 19}, {29, 58}}) {
          ReportGrouped({2, 3 * width, 3 * width, 3, stride, 3, h, w, type});
        }
      }
      for (const int64_t width : {8, 24, 64, 232})
        ReportConvolve({3, 2 * width, 2 * width, 3, stride, 2, 14, 13, type});
      for (const int64_t in : {8, 16, 24, 32, 56, 104})
        for (const int64_t out : {8, 72, 104})
          for (const auto& [h, w] : {std::pair{1, 1}, {14, 19}, {58, 61}})
            ReportPacked({2, in, out, 1, stride, 1, h, w, type});
      for (const auto& [in, out] : {std::pair{440, 440}, {48, 232}, {1032, 40}})
        for (const auto& [h, w] : {std::pair{1, 3}, {7, 7}, {13, 16}})
          ReportPacked({5, in, out, 1, stride, 1, h, w, type});
      for (const int64_t in : {3, 48, 104, 208})
        ReportConvolve({3, in, 56, 1, stride, 1, 15, 14, type});
    }
  }
  ReportAutocast({3, 48, 48, 3, 1, 6, 14, 14, at::kFloat});
  ReportAutocast({3, 208, 104, 1, 2, 1, 14, 14, at::kFloat});
  std::printf("]\n");
}

}  // namespace torchgraft
