#pragma once

// The workspace sizes of grouped_conv.h's kernels that sum in registers: of every level below AMX.

#include "torch/kernels/conv3x3_grouped/grouped_conv.h"

namespace torchgraft {

namespace {

// What a thread packs at a time stays in its second-level cache, which has 512 KiB and more, beside
// what it writes.
constexpr int64_t kPackedBytes = 224 * 1024;

constexpr int64_t kMostSkew = 8;  // pixels that the loops add to a slab

inline int64_t PackedForward(const GroupedConv& conv, int64_t rows) {
  return (((rows - 1) * conv.stride + 3) * (conv.width + 2) + kMostSkew) * conv.channels;
}

inline int64_t PackedDataGradient(const GroupedConv& conv, int64_t rows) {
  if (conv.stride == 1) return PackedForward(conv, rows);
  return ((rows + 1) * (conv.out_width + 1) + kMostSkew) * conv.channels;
}

// With space for pairs of pixels, and in bfloat16 for two of them a gradient.
inline int64_t PackedWeightGradient(const GroupedConv& conv, int64_t rows) {
  return (((rows - 1) * conv.stride + 3) * (conv.width + 5) + 2 * rows * (conv.out_width + 4) +
          2 * kMostSkew) *
         conv.channels;
}

inline int64_t AllWeights(const GroupedConv& conv) { return conv.channels * conv.group_width * 9; }

inline int64_t Groups(const GroupedConv& conv) { return conv.channels / conv.group_width; }

constexpr GroupedConvWorkspace kRegisterWorkspace{.forward = PackedForward,
                                                  .data_gradient = PackedDataGradient,
                                                  .weight_gradient = PackedWeightGradient,
                                                  .weights = AllWeights,
                                                  .weight_parts = Groups,
                                                  .sums = AllWeights,
                                                  .many_images = false,
                                                  .cache_budget = kPackedBytes};

}  // namespace

}  // namespace torchgraft
