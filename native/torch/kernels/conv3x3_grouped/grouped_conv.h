#pragma once

#include <cstdint>

namespace torchgraft {

// A 3×3 convolution in groups as wide going in as coming out, padded by one, of images whose
// memory is NHWC. Plain data: this header goes into files of other instruction sets.
struct GroupedConv {
  int64_t channels;
  int64_t group_width;  // a multiple of 8
  int64_t stride;       // 1 or 2
  int64_t height, width;
  int64_t out_height, out_width;
  const float* bias = nullptr;  // of outputs; null: there is none
  bool relu = false;            // of outputs
  // Set by loops that give up, having met a number that is not finite.
  bool* needs_fallback = nullptr;
};

// Steps in memory, in elements, from one weight [out][in in the group][ky][kx] to the next.
struct WeightSteps {
  int64_t out, in, ky, kx;
};

// What a kernel's buffers hold, in elements, for rows of outputs; more of them than an image has
// are those of several whole images that lie one after another.
struct GroupedConvWorkspace {
  int64_t (*forward)(const GroupedConv& conv, int64_t rows);
  int64_t (*data_gradient)(const GroupedConv& conv, int64_t rows);
  int64_t (*weight_gradient)(const GroupedConv& conv, int64_t rows);
  int64_t (*weights)(const GroupedConv& conv);
  int64_t (*weight_parts)(const GroupedConv& conv);  // in which they are packed and unpacked
  int64_t (*sums)(const GroupedConv& conv);
  bool many_images;      // whether the loops take several images at a time
  int64_t cache_budget;  // that are best packed at a time
};

// From packed weights and rows of `from` to rows of `to`.
template <typename Element>
using OutputLoops = void (*)(const GroupedConv& conv, const Element* from, const Element* packed,
                             int64_t begin, int64_t end, Element* scratch, Element* to);

// The loops of one CpuLevel. Each works on one image, from output row (or, in gradients, from row
// of the output's gradient) `begin` to before `end`, or on several whole ones; a data gradient of
// stride 2 fills twice as many rows. `scratch` has the workspace that GroupedConvWorkspace tells.
template <typename Element>
struct GroupedConvKernel {
  const GroupedConvWorkspace* workspace;
  // The weights in the order in which the loops read them: their parts from `begin` to before
  // `end`.
  void (*pack_weights)(const GroupedConv& conv, const Element* weight, const WeightSteps& steps,
                       bool for_gradient, int64_t begin, int64_t end, Element* packed);
  OutputLoops<Element> forward;        // from x to y
  OutputLoops<Element> data_gradient;  // from dy to dx
  // Adds to `sums`, numbers in an order of its own.
  void (*weight_gradient)(const GroupedConv& conv, const Element* x, const Element* dy,
                          int64_t begin, int64_t end, Element* scratch, float* sums);
  // `copies` of such sums, one after another in memory, added up into some parts of the gradient.
  void (*unpack_gradient)(const GroupedConv& conv, const float* sums, int64_t copies,
                          const WeightSteps& steps, int64_t begin, int64_t end, Element* dweight);
};

// nullptr where the compiler's target has no such instructions.
const GroupedConvKernel<float>* GroupedConvAvx2();
const GroupedConvKernel<uint16_t>* GroupedConvAvx512Bf16();  // bfloat16's bits
// Multiplies groups that lie beside each other by zeros, and gives up where that would tell.
const GroupedConvKernel<uint16_t>* GroupedConvAmx();

}  // namespace torchgraft
