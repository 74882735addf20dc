#pragma once

#include <cstdint>

namespace torchgraft {

// Some pixels of the weight gradient of a 1×1 convolution: each weight's sum of an input times the
// gradient of an output. Plain data: this header goes into files of other instruction sets.
struct PointwiseGradient {
  int64_t in, out;  // channels, multiples of 8
  int64_t pixels;
  const float* x;   // [pixels][in]
  const float* dy;  // [pixels], the first `out` of dy_step numbers each
  int64_t dy_step;
};

// The loops of one CpuLevel.
struct PointwiseGradientKernel {
  // Elements of scratch memory that add needs, on a cache line's border.
  int64_t (*scratch)(int64_t in, int64_t out);
  // Adds to sums [out][in].
  void (*add)(const PointwiseGradient& gradient, float* scratch, float* sums);
};

// nullptr where the compiler's target has no such instructions.
const PointwiseGradientKernel* PointwiseGradientAvx2();

}  // namespace torchgraft
