#pragma once

#include <ATen/core/Tensor.h>

#include "torch/kernels/conv1x1/strided_pixels.h"
#include "torch/ops/tensor_data.h"

namespace torchgraft {

// Of pictures [n, c, h, w].
inline MetPixels MetOf(at::IntArrayRef pictures, int64_t stride) {
  return {.width = (pictures[3] - 1) / stride + 1,
          .height = (pictures[2] - 1) / stride + 1,
          .picture_width = pictures[3],
          .picture_height = pictures[2],
          .stride = stride};
}

// The other way: pixels that are met to where they lie in pictures, with zeros between them.
inline at::Tensor SpreadMet(const at::Tensor& met, at::IntArrayRef pictures, int64_t stride) {
  const auto spread = EmptyPictures(pictures, met).zero_();
  spread.slice(2, 0, std::nullopt, stride).slice(3, 0, std::nullopt, stride).copy_(met);
  return spread;
}

inline int64_t CountOf(const MetPixels& met, int64_t pictures) {
  return pictures * met.height * met.width;
}

}  // namespace torchgraft
