#include <cstring>

#include "images/image.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;

}  // namespace

void ApplyOrientation(const ImageView& image, const Window& window, int orientation, uint8_t* rgb) {
  const int64_t stride = static_cast<int64_t>(image.width) * kChannels;
  const uint8_t* corner = image.rgb + window.top * stride + window.left * kChannels;
  if (orientation == 1) {
    const size_t length = static_cast<size_t>(window.width) * kChannels;
    for (int row = 0; row < window.height; ++row)
      std::memcpy(rgb + row * length, corner + row * stride, length);
    return;
  }
  const bool swapped = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  if (from_right) corner += (window.width - 1) * kChannels;
  if (from_bottom) corner += (window.height - 1) * stride;
  const int64_t along_x = from_right ? -kChannels : kChannels;
  const int64_t along_y = from_bottom ? -stride : stride;
  const int width = swapped ? window.height : window.width;
  const int height = swapped ? window.width : window.height;
  const int64_t next = swapped ? along_y : along_x;
  const int64_t next_row = swapped ? along_x : along_y;
  for (int row = 0; row < height; ++row) {
    const uint8_t* pixel = corner + row * next_row;
    for (int column = 0; column < width; ++column, pixel += next, rgb += kChannels)
      std::memcpy(rgb, pixel, kChannels);
  }
}

}  // namespace torchgraft
