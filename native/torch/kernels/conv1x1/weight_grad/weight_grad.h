#pragma once

#include <cstdint>

#include "torch/kernels/conv1x1/strided_pixels.h"
#include "torch/kernels/isa/level_table.h"

namespace torchgraft {

// Some pixels of the weight gradient of a 1×1 convolution: each weight's sum of an input times the
// gradient of an output. Plain data: this header goes into files of other instruction sets.
template <typename Element>
struct PointwiseGradient {
  int64_t in, out;  // channels, multiples of 8
  int64_t pixels;
  const Element* x;   // images [pixel][in]
  StridedGrid grid;   // of x
  int64_t first;      // pixel of the grid
  const Element* dy;  // of `pixels`, the first `out` of dy_step numbers each
  int64_t dy_step;
};

// One variant, for one CpuLevel.
template <typename Element>
struct PointwiseGradientKernel {
  // Elements of scratch memory that sum needs, on a cache line's border.
  int64_t (*scratch)(const PointwiseGradient<Element>& gradient);
  // How many sums there are, in an order of the kernel's own; of float as [out][in].
  int64_t (*sums)(int64_t in, int64_t out);
  // Sets sums, on a cache line's border.
  void (*sum)(const PointwiseGradient<Element>& gradient, Element* scratch, float* sums);
  // Of some outputs adds up `parts` of sums, each `part_step` after the one before, and rounds
  // them: [out][in].
  void (*add)(int64_t in, int64_t begin, int64_t end, int64_t parts, int64_t part_step,
              const float* sums, Element* dweight);
};

extern const LevelTable<PointwiseGradientKernel<float>> kPointwiseGradientFp32;
extern const LevelTable<PointwiseGradientKernel<uint16_t>> kPointwiseGradientBf16;

}  // namespace torchgraft
