#include "check/images/resample_reference.h"

#include <algorithm>
#include <cmath>

#include "torch/kernels/sample/mirror.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;

class Reference {
 public:
  explicit Reference(const Resampling& resampling) : s_(resampling) {}

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

  const Resampling& s_;
};

}  // namespace

std::vector<float> ResampleOneByOne(const Resampling& resampling) {
  return Reference(resampling).Render();
}

}  // namespace torchgraft
