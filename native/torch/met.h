#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/met_pixels.h"

namespace torchgraft {

// Of pictures [n, c, h, w].
inline MetPixels MetOf(at::IntArrayRef pictures, int64_t stride) {
  return {.width = (pictures[3] - 1) / stride + 1,
          .height = (pictures[2] - 1) / stride + 1,
          .picture_width = pictures[3],
          .picture_height = pictures[2],
          .stride = stride};
}

inline int64_t CountOf(const MetPixels& met, int64_t pictures) {
  return pictures * met.height * met.width;
}

}  // namespace torchgraft
