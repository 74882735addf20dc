#include "check/conv/convolution_speed.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <stdexcept>

#include "check/conv/tuning_csv.h"
#include "torch/ops/conv/grouped_conv.h"

namespace torchgraft {

namespace {

constexpr int64_t kBatch = 32;
constexpr int kRepeats = 5;

void TimeShape(at::ScalarType type, int64_t channels, int64_t width, int64_t stride, int64_t side) {
  const auto level = BestCpuLevel();
  const auto images = [type](at::IntArrayRef shape) {
    return at::randn(shape).to(type).contiguous(at::MemoryFormat::ChannelsLast);
  };
  const int64_t out_side = (side - 1) / stride + 1;
  const auto x = images({kBatch, channels, side, side});
  const auto weight = images({channels, width, 3, 3});
  const auto dy = images({kBatch, channels, out_side, out_side});
  const std::array<int64_t, 2> strides{stride, stride};
  const std::array<int64_t, 2> padding{1, 1};
  const int64_t groups = channels / width;
  const auto backward = [&](bool of_x) {
    at::convolution_backward(dy, x, weight, /*bias_sizes=*/std::nullopt, strides, padding,
                             /*dilation=*/1, /*transposed=*/false, /*output_padding=*/0, groups,
                             {of_x, !of_x, false});
  };
  // Each pass, ours and then oneDNN's.
  const std::vector<std::function<void()>> works{
      [&] { GroupedForward(level, x, weight, stride); },
      [&] { at::conv2d(x, weight, /*bias=*/{}, strides, padding, /*dilation=*/1, groups); },
      [&] { GroupedDataGradient(level, dy, weight, x.sizes(), stride); },
      [&] { backward(/*of_x=*/true); },
      [&] { GroupedWeightGradient(level, x, dy, weight, stride); },
      [&] { backward(/*of_x=*/false); }};
  const auto fewest = FewestMilliseconds(works, kRepeats, [] {});
  const double mflop =
      2e-6 * static_cast<double>(kBatch * out_side * out_side * channels * width * 9);
  for (size_t i = 0; i < 3; ++i)
    std::printf("%s,1,%s,%s,%ld,%ld,%ld,%s,%.0f,%.0f\n", ProcessorName().c_str(),
                CpuLevelName(level), TypeName(type), static_cast<long>(width),
                static_cast<long>(stride), static_cast<long>(side), kPasses[i],
                mflop / fewest[2 * i], mflop / fewest[2 * i + 1]);
}

}  // namespace

void TimeConvolutions(const std::vector<std::string>& arguments) {
  const at::NoGradGuard no_grad;
  at::set_num_threads(1);
  const auto type = arguments.at(0) == "bf16" ? at::kBFloat16 : at::kFloat;
  std::printf("processor,cores,level,type,group_width,stride,px,pass,own,onednn\n");
  for (size_t i = 1; i < arguments.size(); ++i) {
    const int64_t width = std::stol(arguments[i]);
    if (!HasGroupedConv(BestCpuLevel(), type, {width, width, 3, 3}, 1, 1))
      throw std::invalid_argument("There is no kernel for this processor, type and width");
    // About the channels that RegNets have at these sizes.
    for (const auto& [channels, side] :
         {std::pair{48, 112}, {104, 56}, {104, 28}, {208, 14}, {440, 7}}) {
      for (const int64_t stride : {1, 2})
        TimeShape(type, std::max<int64_t>(1, channels / width) * width, width, stride, side);
    }
  }
}

}  // namespace torchgraft
