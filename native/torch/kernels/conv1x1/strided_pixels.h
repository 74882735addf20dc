#pragma once

#include <cstdint>

namespace torchgraft {

// Each `stride`th pixel of both directions of images, in their order. Plain data: this header
// goes into files of other instruction sets.
struct MetPixels {
  int64_t width, height;              // of an image, in pixels that are met
  int64_t image_width, image_height;  // in all pixels
  int64_t stride;
};

namespace {

// From one to the next, without a division for each.
class MetWalk {
 public:
  MetWalk(const MetPixels& met, int64_t first)
      : met_(met),
        column_(first % met.width),
        row_(first / met.width % met.height),
        at_((first / (met.width * met.height) * met.image_height + row_ * met.stride) *
                met.image_width +
            column_ * met.stride) {}

  // Where it lies among all pixels. After the last one, where another image's first would lie.
  int64_t at() const { return at_; }

  void Next() {
    at_ += met_.stride;
    if (++column_ < met_.width) return;
    column_ = 0;
    at_ += met_.stride * (met_.image_width - met_.width);
    if (++row_ < met_.height) return;
    row_ = 0;
    at_ += (met_.image_height - met_.stride * met_.height) * met_.image_width;
  }

 private:
  MetPixels met_;
  int64_t column_, row_, at_;
};

}  // namespace

}  // namespace torchgraft
