#pragma once

#include <cstdint>

namespace torchgraft {

// A 1×1 convolution of pixels with a bias, and what follows it: something added, ReLU. Plain data:
// this header goes into files of other instruction sets.
struct Pointwise {
  int64_t in;         // channels, a multiple of 8
  int64_t out;        // channels, a multiple of 8
  int64_t x_step;     // elements from a pixel that is met to the next
  const float* bias;  // filled up to PointwiseWidth(out)
  bool relu;
};

// Outputs, filled up to whole vectors of every level.
constexpr int64_t PointwiseWidth(int64_t out) { return (out + 15) / 16 * 16; }

// The loops of one CpuLevel.
template <typename Element>
struct PointwiseKernel {
  // The weights, [in][out], in the order in which the loop reads them: in · PointwiseWidth(out)
  // elements.
  void (*pack)(int64_t in, int64_t out, const Element* weight, Element* packed);
  // `pixels` of them, from x to y, where they lie side by side. `added` is laid out like y, or
  // null.
  void (*run)(const Pointwise& conv, const Element* packed, const Element* x, const Element* added,
              int64_t pixels, Element* y);
};

// nullptr where the compiler's target has no such instructions.
const PointwiseKernel<float>* PointwiseAvx2();
const PointwiseKernel<float>* PointwiseAvx512();
const PointwiseKernel<uint16_t>* PointwiseAvx512Bf16();  // bfloat16's bits

}  // namespace torchgraft
