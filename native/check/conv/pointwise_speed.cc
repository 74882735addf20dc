#include "check/conv/pointwise_speed.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>

#include "check/conv/tuning_csv.h"
#include "torch/memory/caching_allocator.h"
#include "torch/ops/conv/packed_gemm.h"
#include "torch/ops/conv/pointwise_conv.h"
#include "torch/ops/conv/pointwise_weight_grad.h"

namespace torchgraft {

namespace {

constexpr int64_t kBatch = 32;
constexpr int kRepeats = 9;

struct Shape {
  int64_t in, out, side, stride;
};

// In a training step little of what a convolution reads lies in a cache, nor where it writes.
void EmptyCaches() {
  static const auto other = at::empty({int64_t{1} << 26}, at::kFloat);
  other.zero_();
}

void TimeShape(at::ScalarType type, const Shape& shape, bool cold) {
  const auto level = BestCpuLevel();
  const auto images = [type](at::IntArrayRef sizes) {
    return at::randn(sizes).to(type).contiguous(at::MemoryFormat::ChannelsLast);
  };
  const int64_t stride = shape.stride;
  const int64_t out_side = (shape.side - 1) / stride + 1;
  const auto x = images({kBatch, shape.in, shape.side, shape.side});
  const auto weight = images({shape.out, shape.in, 1, 1});
  const auto dy = images({kBatch, shape.out, out_side, out_side});
  const std::array<int64_t, 2> strides{stride, stride};
  const std::array<int64_t, 2> padding{0, 0};
  const auto backward = [&](bool of_x) {
    at::convolution_backward(dy, x, weight, /*bias_sizes=*/std::nullopt, strides, padding,
                             /*dilation=*/1, /*transposed=*/false, /*output_padding=*/0,
                             /*groups=*/1, {of_x, !of_x, false});
  };
  const bool packs = PackedGemm::Has(level, type, shape.in, shape.out);
  const bool packs_gradient = HasPointwiseGradient(level, type, shape.in, shape.out);
  using Work = std::function<void()>;
  // Each pass: ours, libtorch's product, oneDNN's convolution.
  const std::vector<Work> works{
      packs ? [&] { PackedForward(level, x, weight, stride); } : Work(),
      [&] { PointwiseForward(x, weight, stride); },
      [&] { at::conv2d(x, weight, /*bias=*/{}, strides, padding); },
      packs ? [&] { PackedDataGradient(level, dy, weight, x.sizes(), stride); } : Work(),
      [&] { PointwiseDataGradient(dy, weight, x.sizes(), stride); },
      [&] { backward(/*of_x=*/true); },
      packs_gradient ? [&] { PackedWeightGradient(level, x, dy, weight, stride); } : Work(),
      [&] { PointwiseWeightGradient(x, dy, weight, stride); },
      [&] { backward(/*of_x=*/false); }};
  const auto fewest = FewestMilliseconds(works, kRepeats, cold ? EmptyCaches : +[] {});
  const double mflop =
      2e-6 * static_cast<double>(kBatch * out_side * out_side * shape.in * shape.out);
  for (size_t i = 0; i < 3; ++i) {
    std::printf("%s,%d,%s,%s,%s,%ld,%ld,%ld,%ld,%s", ProcessorName().c_str(), at::get_num_threads(),
                cold ? "cold" : "warm", CpuLevelName(level), TypeName(type),
                static_cast<long>(shape.in), static_cast<long>(shape.out),
                static_cast<long>(stride), static_cast<long>(shape.side), kPasses[i]);
    for (size_t w = 3 * i; w < 3 * i + 3; ++w)
      works[w] ? std::printf(",%.0f", mflop / fewest[w]) : std::printf(",");
    std::printf("\n");
  }
}

}  // namespace

void TimePointwise(const std::vector<std::string>& arguments) {
  const at::NoGradGuard no_grad;
  const auto type = arguments.at(0) == "bf16" ? at::kBFloat16 : at::kFloat;
  at::set_num_threads(std::stoi(arguments.at(1)));
  const CachingAllocatorLease lease;
  const bool cold = arguments.size() > 2 && arguments[2] == "cold";
  std::printf("processor,cores,caches,level,type,in,out,stride,px,pass,own,product,onednn\n");
  if (arguments.size() == 7) {
    const auto number = [&](size_t i) { return std::stoll(arguments[i]); };
    TimeShape(type, {number(3), number(4), number(5), number(6)}, cold);
    return;
  }
  // Those of RegNetY-400MF, X-1.6GF and Y-16GF.
  for (const Shape& shape : std::initializer_list<Shape>{
           {32, 48, 112, 1},   {48, 48, 56, 1},     {48, 104, 56, 1},   {104, 104, 28, 1},
           {104, 208, 28, 1},  {208, 208, 14, 1},   {208, 440, 14, 1},  {440, 440, 7, 1},
           {72, 72, 56, 1},    {72, 168, 56, 1},    {168, 168, 28, 1},  {168, 408, 28, 1},
           {408, 408, 14, 1},  {408, 912, 14, 1},   {912, 912, 7, 1},   {224, 448, 56, 1},
           {448, 448, 28, 1},  {1232, 1232, 14, 1}, {3024, 3024, 7, 1}, {32, 48, 112, 2},
           {48, 104, 56, 2},   {104, 208, 28, 2},   {208, 440, 14, 2},  {408, 912, 14, 2},
           {1232, 3024, 14, 2}})
    TimeShape(type, shape, cold);
}

}  // namespace torchgraft
