#include "snap_check.h"

#include <ATen/core/Tensor.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <new>
#include <random>

#include "torch/kernels/cpu_level.h"
#include "torch/kernels/mirror.h"
#include "torch/snap.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;

// Pixels whose last byte is the last one that may be read.
class GuardedPixels {
 public:
  GuardedPixels(std::mt19937& random, int64_t height, int64_t width) {
    const size_t bytes = static_cast<size_t>(height * width * kChannels);
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t readable = (bytes + page - 1) / page * page;
    mapped_ = readable + page;
    memory_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    auto* const end = static_cast<uint8_t*>(memory_) + readable;
    mprotect(end, page, PROT_NONE);
    pixels_ = end - bytes;
    std::generate(pixels_, end, [&] { return static_cast<uint8_t>(random()); });
  }
  GuardedPixels(const GuardedPixels&) = delete;
  GuardedPixels& operator=(const GuardedPixels&) = delete;
  ~GuardedPixels() { munmap(memory_, mapped_); }

  const uint8_t* get() const { return pixels_; }

 private:
  void* memory_;
  size_t mapped_;
  uint8_t* pixels_;
};

// One pixel after another, in the words of the operations that it follows.
class Reference {
 public:
  explicit Reference(const Snapping& snapping) : s_(snapping) {}

  std::vector<float> Render() const {
    std::vector<float> all;
    for (int64_t row = 0; row < s_.output; ++row) {
      for (int64_t column = 0; column < s_.output; ++column) {
        float rgb[kChannels];
        Sample(row, column, rgb);
        for (int c = 0; c < kChannels; ++c) {
          all.push_back((Mixed(rgb, c) - s_.mean[c]) / s_.std[c]);
        }
      }
    }
    return all;
  }

 private:
  // grid_sample's, nearest.
  static int64_t Place(float normalized, int64_t size) {
    const float scaled = (normalized + 1) * (static_cast<float>(size) / 2);
    return static_cast<int64_t>(std::nearbyint(scaled - 0.5f));
  }

  void Sample(int64_t row, int64_t column, float* rgb) const {
    int64_t x = column;
    int64_t y = row;
    if (s_.places != nullptr) {
      const float* place = s_.places + 2 * (row * s_.output + column);
      x = Place(place[0], s_.grid_width);
      y = Place(place[1], s_.grid_height);
    }
    const bool inside = x >= 0 && x < s_.grid_width && y >= 0 && y < s_.grid_height;
    if (!inside && !s_.reflect) {
      std::copy_n(s_.border, kChannels, rgb);
      return;
    }
    const AxisTap& across = s_.columns[Mirror(x, s_.grid_width)];
    const AxisTap& down = s_.rows[Mirror(y, s_.grid_height)];
    for (int c = 0; c < kChannels; ++c) {
      const auto blended = [&](int64_t line) {
        return Blend(across, Unit(across.first, line, c), Unit(across.second, line, c));
      };
      rgb[c] = Blend(down, blended(down.first), blended(down.second));
    }
  }

  float Unit(int64_t x, int64_t y, int channel) const {
    return static_cast<float>(s_.pixels[(y * s_.width + x) * kChannels + channel]) / 255.0f;
  }

  static float Blend(const AxisTap& tap, float first, float second) {
    return std::fma(first, tap.first_weight, second * tap.second_weight);
  }

  float Mixed(const float* rgb, int channel) const {
    if (!s_.has_colour) return rgb[channel];
    const float* m = s_.colour + 4 * channel;
    return std::clamp(m[0] * rgb[0] + m[1] * rgb[1] + m[2] * rgb[2] + m[3], 0.0f, 1.0f);
  }

  const Snapping& s_;
};

struct Level {
  const char* name;
  CpuLevel level;
  SnapRows rows;
};

const Level kLevels[] = {
    {"plain", CpuLevel::kPlain, SnapRowsPlain},
#if defined(__x86_64__)
    {"avx2", CpuLevel::kAvx2, SnapRowsAvx2},
    {"avx512", CpuLevel::kAvx512, SnapRowsAvx512},
#endif
};

// How many numbers differ in a bit, by rows that are made in two goes.
template <typename Out>
int64_t Differing(const Snapping& snapping, SnapRows rows, PixelType type,
                  const std::vector<float>& expected) {
  std::vector<Out> out(expected.size() + 1, Out(7.0f));
  std::vector<float> scratch(SnapScratch(snapping.output));
  const int64_t half = snapping.output / 2;
  rows(snapping, 0, half, type, out.data(), scratch.data());
  rows(snapping, half, snapping.output, type, out.data() + half * snapping.output * kChannels,
       scratch.data());
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
    const SnapGrid grid(c.output);
    const SnappedPicture picture(images, plan.data(), grid, pixels.get(), c.height, c.width);
    const auto& snapping = picture.snapping();
    const auto expected = Reference(snapping).Render();
    for (const auto& [name, level, rows] : kLevels) {
      if (level > BestCpuLevel()) continue;
      auto& differing = differing_[name];
      differing += Differing<float>(snapping, rows, PixelType::kFloat, expected);
      differing += Differing<at::BFloat16>(snapping, rows, PixelType::kBFloat16, expected);
      differing += Differing<at::Half>(snapping, rows, PixelType::kHalf, expected);
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

void CheckSnap(const std::vector<std::string>& arguments) {
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
