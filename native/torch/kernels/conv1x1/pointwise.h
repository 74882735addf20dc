#pragma once

#include <cstdint>

#include "torch/kernels/conv1x1/strided_pixels.h"
#include "torch/kernels/isa/level_table.h"

namespace torchgraft {

// A 1×1 convolution of pixels and its epilogue: bias, residual, ReLU. Plain data: this header goes
// into files of other instruction sets.
struct Pointwise {
  int64_t in;         // channels, a multiple of 8
  int64_t out;        // channels, a multiple of 8
  int64_t x_step;     // elements from a pixel that is read to the next
  const float* bias;  // filled up to PointwiseWidth(out)
  bool relu;
};

// Outputs, filled up to whole vectors of every level.
constexpr int64_t PointwiseWidth(int64_t out) { return (out + 15) / 16 * 16; }

// One variant, for one CpuLevel.
template <typename Element>
struct PointwiseKernel {
  // Lays out weights, [in][out], in the order in which `run` reads them: in · PointwiseWidth(out)
  // elements.
  void (*pack)(int64_t in, int64_t out, const Element* weight, Element* packed);
  // `pixels` of them, from x to y, where they lie side by side. `added` is laid out like y, or
  // null.
  void (*run)(const Pointwise& conv, const Element* packed, const Element* x, const Element* added,
              int64_t pixels, Element* y);
};

// The same of images, by tiles of AMX: a strided grid of x is read, or one of y is written.
struct TiledPointwise {
  int64_t in, out;  // channels, multiples of 8
  const float* bias;
  bool relu;
  const uint16_t* packed;
  const uint16_t* x;
  StridedGrid x_grid;
  const uint16_t* added;  // laid out like y, or null
  uint16_t* y;
  StridedGrid y_grid;  // pixels between the grid's become zeros
};

struct TiledPointwiseKernel {
  // Elements of packed weights.
  int64_t (*packed)(int64_t in, int64_t out);
  // A weight of an input and an output lies at in_step and out_step times them, of which one is 1.
  void (*pack)(int64_t in, int64_t out, const uint16_t* weight, int64_t in_step, int64_t out_step,
               uint16_t* packed);
  // Elements of scratch memory that run needs, on a cache line's border.
  int64_t (*scratch)(int64_t in);
  void (*run)(const TiledPointwise& conv, int64_t first, int64_t pixels, uint16_t* scratch);
};

extern const LevelTable<PointwiseKernel<float>> kPointwiseFp32;
extern const LevelTable<PointwiseKernel<uint16_t>> kPointwiseBf16;  // bfloat16's bits
extern const LevelTable<TiledPointwiseKernel> kTiledPointwise;

}  // namespace torchgraft
