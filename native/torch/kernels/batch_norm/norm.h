#pragma once

#include <cstdint>

#include "torch/kernels/isa/level_table.h"

namespace torchgraft {

// Batch norm over rows of channels, a pixel a row, with what follows it: something added, ReLU.
// Rows are given by the first and the one after the last. Numbers of channels (scale, bias and so
// on) are filled up with zeros to a multiple of kNormPadding, so that vectors may read beyond.
constexpr int64_t kNormPadding = 16;

// y = relu(scale · (x − mean) + bias + added). A mean far from zero must not drown the rest.
struct NormForward {
  const void* x;
  const void* added;  // null: nothing is added
  void* y;
  uint8_t* relu_mask;  // where ReLU let through, a bit an element; null: nobody asks
  const float* mean;
  const float* scale;
  const float* bias;
  int64_t channels;
  bool relu;  // always where something is added
};

// dz is the gradient behind ReLU, dx = coef_dz · dz + coef_x · (x − mean) + offset.
struct NormBackward {
  const void* x;
  const void* dy;
  const void* dy_shortcut;   // dy of another reader of y; null: there is none
  const uint8_t* relu_mask;  // as NormForward has left it; null: from scale · (x − mean) + bias
  void* dz;                  // wanted where something was added, whose gradient it is; else null
  void* dx;
  const float* mean;
  const float* scale;
  const float* bias;
  const float* coef_dz;
  const float* coef_x;
  const float* offset;
  int64_t channels;
  bool relu;
};

// y = scale · x + offset, with a scale and an offset for each channel.
struct ScaleRows {
  const void* x;
  void* y;  // may be x
  const float* scale;
  const float* offset;
  int64_t channels;
};

// Σ x · y over rows, for each channel.
struct RowDots {
  const void* x;
  const void* y;
  int64_t channels;
};

// Passes over rows from `begin` to before `end`.
struct NormKernels {
  // Adds Σ (x − about) and Σ (x − about)².
  void (*sums)(const void* x, int64_t channels, int64_t begin, int64_t end, const float* about,
               float* sum, float* squares);
  void (*forward)(const NormForward& norm, int64_t begin, int64_t end);
  // Adds Σ dz and Σ dz · (x − mean), and writes dz where it is wanted.
  void (*gradient_sums)(const NormBackward& norm, int64_t begin, int64_t end, float* sum,
                        float* products);
  // After gradient_sums: reads dz where that has written it.
  void (*gradient)(const NormBackward& norm, int64_t begin, int64_t end);
  // Of squeeze-and-excitation, whose images have weights of their own.
  void (*scale_rows)(const ScaleRows& rows, int64_t begin, int64_t end);
  // Adds the dots.
  void (*row_dots)(const RowDots& rows, int64_t begin, int64_t end, float* dots);
  int64_t lanes;  // channels of a vector, whose bits of `relu_mask` lie together, a byte at least
};

// One variant, for one CpuLevel.
struct NormKernelsByType {
  NormKernels fp32, bf16;
};

extern const LevelTable<NormKernelsByType> kBatchNorm;

// Those of this processor.
const NormKernels& BestNormKernels(bool bf16);

}  // namespace torchgraft
