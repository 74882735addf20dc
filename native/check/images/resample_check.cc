#include "check/images/resample_check.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <random>

#include "check/guarded_pixels.h"
#include "check/images/resample_reference.h"
#include "torch/augment/resample.h"
#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;

// How many numbers differ in a bit, by rows that are made in two goes.
template <typename Out>
int64_t Differing(const Resampling& resampling, const ResampleKernel& kernel, PixelType type,
                  const std::vector<float>& expected) {
  std::vector<Out> out(expected.size() + 1, Out(7.0f));
  std::vector<float> scratch(ResampleScratch(resampling.output));
  const int64_t half = resampling.output / 2;
  kernel.rows(resampling, 0, half, type, out.data(), scratch.data());
  kernel.rows(resampling, half, resampling.output, type,
              out.data() + half * resampling.output * kChannels, scratch.data());
  int64_t differing = out.back() == Out(7.0f) ? 0 : 1;
  for (size_t i = 0; i < expected.size(); ++i) {
    const Out number(expected[i]);
    differing += std::memcmp(&number, &out[i], sizeof(Out)) != 0;
  }
  return differing;
}

double Between(std::mt19937& random, double least, double most) {
  return least + (most - least) * (static_cast<double>(random()) / 4294967296.0);
}

struct Case {
  int64_t output;
  int64_t grid_height;
  int64_t grid_width;
  int64_t height;
  int64_t width;
  bool turned;
  bool reflect;
  bool coloured;
};

std::vector<double> MakePlan(std::mt19937& random, const Case& c) {
  std::vector<double> plan(kPlanLength);
  plan[0] = plan[4] = 1;
  if (c.turned) {
    for (const int i : {0, 1, 3, 4}) plan[i] = Between(random, -1.5, 1.5);
    plan[2] = Between(random, -0.5, 1) * static_cast<double>(c.grid_width);
    plan[5] = Between(random, -0.5, 1) * static_cast<double>(c.grid_height);
  }
  plan[7] = c.reflect ? 0 : 1;
  for (int i = 8; i < 11; ++i) plan[i] = Between(random, 0, 1);
  plan[11] = static_cast<double>(c.grid_height);
  plan[12] = static_cast<double>(c.grid_width);
  plan[13] = static_cast<double>(c.width) / plan[12];
  plan[17] = static_cast<double>(c.height) / plan[11];
  plan[15] = c.turned ? Between(random, -1, 1) : 0;
  plan[19] = c.coloured ? 1 : 0;
  for (int i = 20; i < 32; ++i) plan[i] = Between(random, -0.5, 1);
  return plan;
}

class Tally {
 public:
  explicit Tally(uint32_t seed) : random_(seed) {}

  void Add(const Case& c) {
    Images images;
    images.output = c.output;
    images.mean = {0.485, 0.456, 0.406};
    images.std = {0.229, 0.224, 0.225};
    const GuardedPixels pixels(random_, c.height, c.width);
    const auto plan = MakePlan(random_, c);
    const ResampleGrid grid(c.output);
    const ResampledImage image(images, plan.data(), grid, pixels.get(), c.height, c.width);
    const auto& resampling = image.resampling();
    const auto expected = ResampleOneByOne(resampling);
    for (int i = 0; i <= static_cast<int>(BestCpuLevel()); ++i) {
      if (kResample.at[i] == nullptr) continue;
      auto& differing = differing_[CpuLevelName(static_cast<CpuLevel>(i))];
      const ResampleKernel& kernel = *kResample.at[i];
      differing += Differing<float>(resampling, kernel, PixelType::kFloat, expected);
      differing += Differing<at::BFloat16>(resampling, kernel, PixelType::kBFloat16, expected);
      differing += Differing<at::Half>(resampling, kernel, PixelType::kHalf, expected);
    }
    compared_ += 3 * static_cast<int64_t>(expected.size());
  }

  void Print() const {
    std::printf("{\"compared\":%lld,\"differing\":{", static_cast<long long>(compared_));
    const char* separator = "";
    for (const auto& [name, count] : differing_) {
      std::printf("%s\"%s\":%lld", separator, name.c_str(), static_cast<long long>(count));
      separator = ",";
    }
    std::printf("}}\n");
  }

 private:
  std::mt19937 random_;
  std::map<std::string, int64_t> differing_;
  int64_t compared_ = 0;
};

}  // namespace

void CheckResample(const std::vector<std::string>& arguments) {
  Tally tally(static_cast<uint32_t>(std::stoul(arguments.at(0))));
  const std::pair<int64_t, int64_t> shapes[] = {{1, 1}, {2, 9}, {9, 2}, {47, 31}, {24, 24}};
  for (const int64_t output : {1, 7, 24, 224}) {
    for (const auto& [height, width] : shapes) {
      for (int kind = 0; kind < 8; ++kind) {
        // As large as the output, larger, and smaller.
        const int64_t more = output < 224 ? (kind + height) % 3 * 5 - 5 : 0;
        tally.Add({.output = output,
                   .grid_height = std::max<int64_t>(1, output + more),
                   .grid_width = std::max<int64_t>(1, output + 2 * more),
                   .height = height,
                   .width = width,
                   .turned = (kind & 1) != 0,
                   .reflect = (kind & 2) != 0,
                   .coloured = (kind & 4) != 0});
      }
    }
  }
  tally.Print();
}

}  // namespace torchgraft
