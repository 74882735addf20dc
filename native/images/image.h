#pragma once

#include <cstdint>
#include <vector>

namespace torchgraft {

struct Window {
  int left;
  int top;
  int width;
  int height;
};

// Rows of RGB, 8 bits each, owned by someone else.
struct ImageView {
  uint8_t* rgb;
  int width;
  int height;
};

// From device colours to sRGB, as a matrix profile says.
struct ColourTables {
  // [3, 256, 4]: what each level of each channel adds to red, green and blue, as light from 0 to
  // the last of `levels`.
  const float* light;
  // From light to sRGB's 8 bits.
  const uint8_t* levels;

  static constexpr int kLight = 3 * 256 * 4;
  static constexpr int kLevels = 1 << 14;

  void Apply(const ImageView& image) const;
};

// A window of what the image becomes when it is scaled to width × height: Pillow's bilinear,
// which averages where it makes smaller.
void Resize(const ImageView& image, int width, int height, const Window& window, uint8_t* rgb);

// A window of the image, upright: `orientation` is EXIF's, 1 to 8.
void Turn(const ImageView& image, const Window& window, int orientation, uint8_t* rgb);

}  // namespace torchgraft
