#pragma once

#include <cstdint>

#include "torch/kernels/isa/cpu_level.h"

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
  int64_t lanes;  // channels of a vector, whose bits of `relu_mask` lie together, a byte at least
};

// Elements are floats, or bf16.
NormKernels ScalarNormKernels(bool bf16);
#if defined(__x86_64__)
NormKernels Avx2NormKernels(bool bf16);
NormKernels Avx512NormKernels(bool bf16);
NormKernels Avx512Bf16NormKernels(bool bf16);
#endif

// Those of the processor.
NormKernels BestNormKernels(bool bf16);

}  // namespace torchgraft
