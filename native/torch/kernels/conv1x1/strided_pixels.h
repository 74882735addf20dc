#pragma once

#include <cstdint>

namespace torchgraft {

// Every `stride`th pixel of images in both directions, row by row. Plain data: this header goes
// into files of other instruction sets.
struct StridedGrid {
  int64_t width, height;              // of an image, in pixels of the grid
  int64_t image_width, image_height;  // of an image, in all pixels
  int64_t stride;
};

namespace {

// Walks through a grid from its `first` pixel on, without a division for each.
class StridedPixelIterator {
 public:
  StridedPixelIterator(const StridedGrid& grid, int64_t first)
      : grid_(grid),
        column_(first % grid.width),
        row_(first / grid.width % grid.height),
        at_((first / (grid.width * grid.height) * grid.image_height + row_ * grid.stride) *
                grid.image_width +
            column_ * grid.stride) {}

  // Where it lies among all pixels. After the last one, where another image's first would lie.
  int64_t at() const { return at_; }

  void Next() {
    at_ += grid_.stride;
    if (++column_ < grid_.width) return;
    column_ = 0;
    at_ += grid_.stride * (grid_.image_width - grid_.width);
    if (++row_ < grid_.height) return;
    row_ = 0;
    at_ += (grid_.image_height - grid_.stride * grid_.height) * grid_.image_width;
  }

 private:
  StridedGrid grid_;
  int64_t column_, row_, at_;
};

}  // namespace

}  // namespace torchgraft
