#pragma once

// Pixels and pairs of them, for resample_body.h.

#include "torch/kernels/sample/rgb.h"

namespace torchgraft {

namespace {

// Pixels are read four bytes at a time, which would lead beyond the image's last one: in its last
// row (`kIsLast`) byte by byte.
template <bool kIsLast>
Rgb Pixel(const uint8_t* from) {
  return kIsLast ? Rgb::Of(from[0], from[1], from[2]) : Rgb::Load(from);
}

template <bool kIsLast>
RgbPair Pixels(const uint8_t* low, const uint8_t* high) {
  return kIsLast ? RgbPair::Of(Pixel<true>(low), Pixel<true>(high)) : RgbPair::Load(low, high);
}

}  // namespace

}  // namespace torchgraft
