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

// A view of an RGB image, uint8, height × width × 3.
struct ImageView {
  uint8_t* rgb;
  int width;
  int height;
};

// A matrix ICC profile as tables, from the image's colours to sRGB.
struct ColourTables {
  // [3, 256, 4]: each channel's level as linear light, times its column of the matrix: what it adds
  // to red, green and blue (and a pad), in indices of `levels`.
  const float* light;
  // [kLevels]: from linear light to sRGB's 8 bits.
  const uint8_t* levels;

  static constexpr int kLight = 3 * 256 * 4;
  static constexpr int kLevels = 1 << 14;

  void Apply(const ImageView& image) const;
};

// Resizes the image to width × height and writes a window of that: Pillow's bilinear filter, which
// is antialiased where it makes smaller.
void Resize(const ImageView& image, int width, int height, const Window& window, uint8_t* rgb);

// Writes a window of the image, rotated and mirrored upright by its EXIF orientation, 1 to 8.
void ApplyOrientation(const ImageView& image, const Window& window, int orientation, uint8_t* rgb);

}  // namespace torchgraft
