#pragma once

// The argument of batch norm's kernels, filled in by the host.

#include <cstdint>

#include "torch/cuda/layers/thread_layout.h"

namespace torchgraft {

// Batch norm fused with a residual addition and ReLU, channels_last: y = relu((x − mean) · scale +
// bias + added). A tensor of [n, channels, h, w] is `rows` = n · h · w rows of `channels` numbers.
struct NormJob {
  int64_t rows;
  int64_t channels;  // a multiple of kVector

  // In the element type, [rows, channels].
  const void* x;
  const void* added;  // null: nothing is added
  void* y;
  const void* dy;
  const void* dy_shortcut;  // y's gradient from the residual branch; null: there is none
  void* dx;
  void* d_added;  // gradient before ReLU, where something was added; else null

  uint8_t* relu_mask;   // [rows, channels / 8]: a bit an element; null: none is kept or needed
  const float* weight;  // [channels], as all below unless noted
  const float* bias;
  float* running_mean;
  float* running_var;
  float* coefficients;  // [4, channels]: mean, scale, bias, 1 / standard deviation
  float* partial;       // [parts, 2, channels]: sums of each part's rows
  float* gradient;      // [2, channels]: of weight and of bias
  int64_t* batches;     // one number: how many the running statistics have seen
  float momentum;
  float eps;
  int32_t parts;  // blocks along the rows
  int32_t wide;   // vectors of channels of a block
  bool relu;
  bool learns;  // training: the batch's statistics; else the running ones
};

// The host's layout is the device's.
static_assert(sizeof(NormJob) == 2 * 8 + 7 * 8 + 9 * 8 + 2 * 4 + 2 * 4 + 8);

}  // namespace torchgraft
