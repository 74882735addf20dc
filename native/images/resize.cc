#include <algorithm>
#include <cmath>
#include <cstring>

#include "images/image.h"

// One clone of the loops for each instruction set, chosen when the addon is loaded. Without FMA, so
// that all give the same bits.
#if defined(__x86_64__) && defined(__linux__)
#define FOR_EACH_INSTRUCTION_SET __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_INSTRUCTION_SET
#endif

namespace torchgraft {

namespace {

constexpr int kChannels = 3;

// The filter's taps along one axis: for each output pixel, its source pixels and their weights.
struct Taps {
  std::vector<int> first;
  std::vector<int> count;
  std::vector<float> weights;  // [outputs, most]
  int most;

  // For outputs `from` to `from` + `outputs` of `all`, from `source` pixels.
  Taps(int source, int all, int from, int outputs) {
    const double scale = static_cast<double>(source) / all;
    const double support = std::max(scale, 1.0);
    most = static_cast<int>(std::ceil(support)) * 2 + 1;
    weights.resize(static_cast<size_t>(outputs) * most);
    for (int i = 0; i < outputs; ++i) {
      const double centre = (from + i + 0.5) * scale;
      const int low = std::max(0, static_cast<int>(centre - support + 0.5));
      const int high = std::min(source, static_cast<int>(centre + support + 0.5));
      float* weight = weights.data() + static_cast<size_t>(i) * most;
      double sum = 0;
      for (int k = low; k < high; ++k) {
        const double share = std::max(0.0, 1 - std::abs((k - centre + 0.5) / support));
        weight[k - low] = static_cast<float>(share);
        sum += share;
      }
      for (int k = low; k < high; ++k) weight[k - low] = static_cast<float>(weight[k - low] / sum);
      first.push_back(low);
      count.push_back(high - low);
    }
  }
};

FOR_EACH_INSTRUCTION_SET
void Accumulate(const uint8_t* row, int length, float weight, float* sums) {
  for (int i = 0; i < length; ++i) sums[i] += static_cast<float>(row[i]) * weight;
}

FOR_EACH_INSTRUCTION_SET
void AlongX(const float* row, const int* first, const int* count, const float* weights, int most,
            int outputs, uint8_t* rgb) {
  for (int i = 0; i < outputs; ++i, weights += most, rgb += kChannels) {
    float sum[4] = {0.5f, 0.5f, 0.5f, 0.5f};
    const float* pixel = row + static_cast<int64_t>(first[i]) * kChannels;
    for (int k = 0; k < count[i]; ++k, pixel += kChannels) {
      for (int c = 0; c < 4; ++c) sum[c] += pixel[c] * weights[k];
    }
    for (int c = 0; c < kChannels; ++c) {
      rgb[c] = static_cast<uint8_t>(std::clamp(static_cast<int>(sum[c]), 0, 255));
    }
  }
}

}  // namespace

void Resize(const ImageView& image, int width, int height, const Window& window, uint8_t* rgb) {
  const Taps x(image.width, width, window.left, window.width);
  const Taps y(image.height, height, window.top, window.height);
  const int length = image.width * kChannels;
  std::vector<float> row(length + 1);  // pixels are read as four floats
  for (int i = 0; i < window.height; ++i) {
    std::fill(row.begin(), row.end(), 0.0f);
    for (int k = 0; k < y.count[i]; ++k) {
      Accumulate(image.rgb + static_cast<int64_t>(y.first[i] + k) * length, length,
                 y.weights[static_cast<size_t>(i) * y.most + k], row.data());
    }
    AlongX(row.data(), x.first.data(), x.count.data(), x.weights.data(), x.most, window.width,
           rgb + static_cast<int64_t>(i) * window.width * kChannels);
  }
}

}  // namespace torchgraft
