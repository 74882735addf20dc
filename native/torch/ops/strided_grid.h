#pragma once

#include <ATen/core/Tensor.h>

#include "torch/kernels/conv1x1/strided_pixels.h"
#include "torch/ops/tensor_data.h"

namespace torchgraft {

// Every `stride`th pixel of images [n, c, h, w], in both directions.
inline StridedGrid StridedGridOf(at::IntArrayRef images, int64_t stride) {
  return {.width = (images[3] - 1) / stride + 1,
          .height = (images[2] - 1) / stride + 1,
          .image_width = images[3],
          .image_height = images[2],
          .stride = stride};
}

// Zero insertion: x [n, c, …] as the pixels of such a grid of `images`, and zeros between them. A
// data gradient with a stride is made so.
inline at::Tensor ZeroInsert(const at::Tensor& x, at::IntArrayRef images, int64_t stride) {
  const auto zeros = EmptyImages(images, x).zero_();
  zeros.slice(2, 0, std::nullopt, stride).slice(3, 0, std::nullopt, stride).copy_(x);
  return zeros;
}

inline int64_t PixelCount(const StridedGrid& grid, int64_t images) {
  return images * grid.height * grid.width;
}

}  // namespace torchgraft
