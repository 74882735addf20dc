#include "torch/augment/sampling.h"

#include <algorithm>

namespace torchgraft {

namespace {

constexpr int kChannels = 3;
constexpr float kWhite = 255;

}  // namespace

Sampling MakeSampling(const Images& images, const double* packed, const uint8_t* pixels,
                      int64_t height, int64_t width) {
  Sampling sampling{};
  sampling.pixels = pixels;
  sampling.height = height;
  sampling.width = width;
  sampling.output = images.output;
  std::copy_n(packed, 6, sampling.geometry);
  sampling.nearest = packed[6] != 0;
  sampling.reflect = packed[7] == 0;
  sampling.has_colour = packed[19] != 0;
  for (int c = 0; c < kChannels; ++c) {
    sampling.border[c] = static_cast<float>(packed[8 + c]) * kWhite;
    sampling.scale[c] = static_cast<float>(1 / images.std[c]);
    sampling.shift[c] = static_cast<float>(-images.mean[c] / images.std[c]);
  }
  for (int i = 0; i < 12; ++i) {
    sampling.colour[i] = static_cast<float>(packed[20 + i]);
  }
  return sampling;
}

}  // namespace torchgraft
