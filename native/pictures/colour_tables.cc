#include "picture.h"

namespace torchgraft {

void ColourTables::Apply(const PictureView& picture) const {
  const float* red = light;
  const float* green = light + 256 * 4;
  const float* blue = light + 2 * 256 * 4;
  const int64_t count = static_cast<int64_t>(picture.width) * picture.height;
  uint8_t* pixel = picture.rgb;
  for (int64_t i = 0; i < count; ++i, pixel += 3) {
    const float* r = red + pixel[0] * 4;
    const float* g = green + pixel[1] * 4;
    const float* b = blue + pixel[2] * 4;
    int32_t level[4];
    for (int c = 0; c < 4; ++c) {
      float sum = r[c] + g[c] + b[c] + 0.5f;
      sum = sum > 0.0f ? sum : 0.0f;
      sum = sum < kLevels - 1 ? sum : static_cast<float>(kLevels - 1);
      level[c] = static_cast<int32_t>(sum);
    }
    for (int c = 0; c < 3; ++c) pixel[c] = levels[level[c]];
  }
}

}  // namespace torchgraft
