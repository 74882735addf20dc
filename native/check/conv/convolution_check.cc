#include "check/conv/convolution_check.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "check/conv/conv_problem.h"
#include "torch/ops/conv/conv_algorithm.h"
#include "torch/ops/conv/convolution.h"
#include "torch/ops/conv/grouped_conv.h"
#include "torch/ops/conv/packed_gemm.h"
#include "torch/ops/conv/pointwise_conv.h"
#include "torch/ops/conv/pointwise_weight_grad.h"
#include "torch/optim/autocast.h"

namespace torchgraft {

namespace {

constexpr int kThreads = 3;  // so that sums are split

Conv Ours(const Problem& p) {
  return [p](const at::Tensor& x, const at::Tensor& weight) {
    return Convolve(x, weight, /*bias=*/{}, p.stride, p.kernel / 2, p.groups);
  };
}

bool HasDirect(const Problem& p) {
  return HasGroupedConv(BestCpuLevel(), p.type, {p.out, p.in / p.groups, 3, 3}, p.groups, p.stride);
}

Passes Direct(const Problem& p, const Numbers& numbers) {
  const auto level = BestCpuLevel();
  const auto& [x, weight, dy] = numbers;
  return {GroupedForward(level, x, weight, p.stride),
          GroupedDataGradient(level, dy, weight, x.sizes(), p.stride),
          GroupedWeightGradient(level, x, dy, weight, p.stride)};
}

// The direct loops, whatever the table says of the shape.
void ReportGrouped(const Problem& p) {
  if (!HasDirect(p)) return;
  Report(p, "direct", [&](const Numbers& numbers) { return Direct(p, numbers); });
}

// What is not finite in one group and image stays in what that group comes to.
void ReportNotFinite(const Problem& p) {
  if (!HasDirect(p)) return;
  const Numbers numbers(p);
  numbers.x[0][0][p.height / 2][p.width / 2] = INFINITY;
  numbers.dy[1][p.out - 1][p.height / 2 / p.stride][p.width / 2 / p.stride] = NAN;
  Report(p, "direct, not finite", numbers, [&](const Numbers& n) { return Direct(p, n); });
}

// With a bias and a ReLU, as scoring has them.
void ReportScoring(const Problem& p) {
  if (!HasDirect(p)) return;
  const Numbers numbers(p);
  const auto bias = numbers.dy.select(/*dim=*/0, 0).select(/*dim=*/1, 0).select(/*dim=*/1, 0);
  const auto by_library = [&](at::ScalarType type) -> Passes {
    const auto y = LibraryConv(p)(numbers.x.to(type), numbers.weight.to(type));
    return {(y + bias.to(type).reshape({1, p.out, 1, 1})).relu()};
  };
  const GroupedScoring scoring(BestCpuLevel(), numbers.weight, bias, p.stride);
  PrintRow("scored, " + p.Name(), by_library(at::kDouble), by_library(p.type),
           [&]() -> Passes { return {scoring.Run(numbers.x, /*relu=*/true)}; });
}

// The loops of 1×1, likewise; libtorch's product in the place of those that there are none of.
void ReportPacked(const Problem& p) {
  const auto level = BestCpuLevel();
  const bool outputs = PackedGemm::Has(level, p.type, p.in, p.out);
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

// The moments of outputs that are taken on the way, against those that libtorch's batch norm takes
// of libtorch's outputs: the mean and the standard deviation. One channel is constant.
void ReportMoments(const Problem& p) {
  const auto level = BestCpuLevel();
  const bool pointwise = p.kernel == 1;
  if (pointwise ? !PackedGemm::Has(level, p.type, p.in, p.out) : !HasDirect(p)) return;
  const Numbers numbers(p);
  numbers.x.add_(8);  // so that means are far from zero
  numbers.weight[0].zero_();
  BatchStats moments;
  const auto ours = [&]() -> Passes {
    const auto y = pointwise ? PackedForward(level, numbers.x, numbers.weight, p.stride, &moments)
                             : GroupedForward(level, numbers.x, numbers.weight, p.stride, &moments);
    const auto pixels = static_cast<double>(y.numel() / p.out);
    const auto of_y = at::empty({2, p.out}, at::kDouble);
    for (int64_t c = 0; c < p.out; ++c) {
      const auto& [mean, squares] = moments.at(c);
      of_y[0][c] = mean;
      of_y[1][c] = std::sqrt(squares / pixels);
    }
    return {y, of_y[0], of_y[1]};
  };
  const auto by_library = [&](at::ScalarType type) -> Passes {
    const auto y = LibraryConv(p)(numbers.x.to(type), numbers.weight.to(type));
    const auto [normed, mean, inverse] =
        at::native_batch_norm(y, /*weight=*/{}, /*bias=*/{}, /*running_mean=*/{},
                              /*running_var=*/{}, /*training=*/true, /*momentum=*/0, /*eps=*/0);
    return {y, mean, at::where(inverse == 0, inverse, inverse.reciprocal())};  // 0: constant
  };
  PrintRow("moments, " + p.Name(), by_library(at::kDouble), by_library(p.type), ours);
}

const char* Word(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::kProduct:
      return "product";
    case ConvAlgorithm::kPacked:
      return "packed";
    case ConvAlgorithm::kDirect:
      return "direct";
    default:
      return "library";
  }
}

// By what the table chooses for output, data gradient and weight gradient.
void ReportConvolve(const Problem& p) {
  const auto [forward, data, weight] = ChooseConv(
      BestCpuLevel(), p.type, {p.in, p.out, p.kernel, p.stride, p.kernel / 2, p.groups, p.width});
  const std::string by =
      std::string("chosen ") + Word(forward) + "/" + Word(data) + "/" + Word(weight);
  Report(p, by, [&](const Numbers& numbers) { return numbers.Through(Ours(p), p.type); });
}

// Under autocast an image and a weight in float32 must come to what libtorch's cast makes of them.
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

void CheckConvolutions(const std::vector<std::string>&) {
  at::set_num_threads(kThreads);
  std::printf("[");
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t width : {8, 16, 24, 40, 48, 56, 64, 72, 112}) {
        for (const auto& [h, w] : {std::pair{1, 1}, {2, 5}, {7, 7}, {14, 19}, {29, 58}}) {
          ReportGrouped({2, 3 * width, 3 * width, 3, stride, 3, h, w, type});
        }
      }
      for (const int64_t width : {8, 16, 24, 64}) {
        ReportNotFinite({2, 3 * width, 3 * width, 3, stride, 3, 15, 18, type});
        ReportScoring({2, 3 * width, 3 * width, 3, stride, 3, 15, 18, type});
        ReportMoments({5, 3 * width, 3 * width, 3, stride, 3, 15, 18, type});
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
      for (const auto& [in, out] : {std::pair{440, 440}, {48, 232}, {104, 24}})
        ReportMoments({5, in, out, 1, stride, 1, 15, 18, type});
      for (const int64_t in : {3, 48, 104, 208})
        ReportConvolve({3, in, 56, 1, stride, 1, 15, 14, type});
    }
  }
  ReportAutocast({3, 48, 48, 3, 1, 6, 14, 14, at::kFloat});
  ReportAutocast({3, 208, 104, 1, 2, 1, 14, 14, at::kFloat});
  std::printf("]\n");
}

}  // namespace torchgraft
