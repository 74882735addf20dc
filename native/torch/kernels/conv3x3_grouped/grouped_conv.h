#pragma once

#include <cstdint>

#include "torch/kernels/isa/level_table.h"

namespace torchgraft {

// A 3×3 convolution in groups that are as wide going in as coming out, padded by one, of images in
// channels_last (NHWC). Plain data: this header goes into files of other instruction sets.
struct GroupedConv {
  int64_t channels;
  int64_t group_width;  // a multiple of 8
  int64_t stride;       // 1 or 2
  int64_t height, width;
  int64_t out_height, out_width;
  const float* bias = nullptr;  // of outputs; nullptr: there is none
  bool relu = false;            // of outputs
  // Set by a kernel that met a number which is not finite and cannot keep it in its group: what it
  // wrote is void, and another kernel has to compute it.
  bool* needs_fallback = nullptr;
};

// Strides in memory, in elements, of a weight [out][in in the group][ky][kx].
struct WeightSteps {
  int64_t out, in, ky, kx;
};

// Sizes of a kernel's buffers, in elements, for rows of outputs. More rows than an image has are
// those of several whole images that lie one after another.
struct GroupedConvWorkspace {
  int64_t (*forward)(const GroupedConv& conv, int64_t rows);
  int64_t (*data_gradient)(const GroupedConv& conv, int64_t rows);
  int64_t (*weight_gradient)(const GroupedConv& conv, int64_t rows);
  int64_t (*weights)(const GroupedConv& conv);
  int64_t (*weight_parts)(const GroupedConv& conv);  // that are packed and unpacked independently
  int64_t (*sums)(const GroupedConv& conv);
  bool many_images;      // whether the kernel takes several images at a time
  int64_t cache_budget;  // bytes that are best packed at a time
};

// Weights to pack, in the order in which the kernel reads them: parts from `begin` to before `end`.
template <typename Element>
struct WeightsToPack {
  const Element* weight;
  WeightSteps steps;
  bool for_gradient;  // for data_gradient, else for forward
  int64_t begin, end;
  Element* packed;
};

// Rows to compute of one image, or of several whole ones: from output row `begin` to before `end`,
// in a data gradient from row of dy to row; one of stride 2 writes twice as many rows.
template <typename Element>
struct ConvRows {
  const Element* from;    // x, or dy
  const Element* packed;  // weights
  int64_t begin, end;
  Element* scratch;  // as large as GroupedConvWorkspace says
  Element* to;       // y, or dx
};

// Rows of dy, likewise, whose products with x are added to `sums`, in an order of the kernel's own.
template <typename Element>
struct GradientRows {
  const Element* x;
  const Element* dy;
  int64_t begin, end;
  Element* scratch;
  float* sums;
};

// `copies` of such sums, one after another in memory, to be added up into a weight's gradient:
// parts from `begin` to before `end`.
template <typename Element>
struct SumsToUnpack {
  const float* sums;
  int64_t copies;
  WeightSteps steps;  // of dweight
  int64_t begin, end;
  Element* dweight;
};

// One variant, for one CpuLevel: float, or bfloat16's bits in uint16_t.
template <typename Element>
struct GroupedConvKernel {
  const GroupedConvWorkspace* workspace;
  void (*pack_weights)(const GroupedConv& conv, const WeightsToPack<Element>& weights);
  void (*forward)(const GroupedConv& conv, const ConvRows<Element>& rows);
  void (*data_gradient)(const GroupedConv& conv, const ConvRows<Element>& rows);
  void (*weight_gradient)(const GroupedConv& conv, const GradientRows<Element>& rows);
  void (*unpack_gradient)(const GroupedConv& conv, const SumsToUnpack<Element>& sums);
};

extern const LevelTable<GroupedConvKernel<float>> kGroupedConvFp32;
// The variant for AMX multiplies groups that lie beside each other by zeros, and needs a fallback
// where that would show.
extern const LevelTable<GroupedConvKernel<uint16_t>> kGroupedConvBf16;

}  // namespace torchgraft
