#pragma once

#include <ATen/core/Tensor.h>

#include "torch/kernels/conv1x1/strided_pixels.h"
#include "torch/ops/tensor_data.h"

namespace torchgraft {

// Of images [n, c, h, w].
inline MetPixels MetOf(at::IntArrayRef images, int64_t stride) {
  return {.width = (images[3] - 1) / stride + 1,
          .height = (images[2] - 1) / stride + 1,
          .image_width = images[3],
          .image_height = images[2],
          .stride = stride};
}

// The other way: pixels that are met to where they lie in images, with zeros between them.
inline at::Tensor SpreadMet(const at::Tensor& met, at::IntArrayRef images, int64_t stride) {
  const auto spread = EmptyImages(images, met).zero_();
  spread.slice(2, 0, std::nullopt, stride).slice(3, 0, std::nullopt, stride).copy_(met);
  return spread;
}

inline int64_t CountOf(const MetPixels& met, int64_t images) {
  return images * met.height * met.width;
}

}  // namespace torchgraft
