#pragma once

#include <torch/types.h>

#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

enum class ConvAlgorithm {
  kLibrary,  // oneDNN's convolution, through libtorch
  kProduct,  // a 1×1 as libtorch's matrix product (pointwise_conv.h)
  kPacked,   // a 1×1 by our own kernels (packed_gemm.h, pointwise_weight_grad.h)
  kDirect,   // a 3×3 in groups by our own kernels (grouped_conv.h)
};

// The algorithm of each pass, since each has a winner of its own.
struct ConvChoice {
  ConvAlgorithm forward = ConvAlgorithm::kLibrary;
  ConvAlgorithm data_gradient = ConvAlgorithm::kLibrary;
  ConvAlgorithm weight_gradient = ConvAlgorithm::kLibrary;

  bool AllLibrary() const;
};

struct ConvShape {
  int64_t in, out, kernel, stride, padding, groups;
  int64_t width;  // of the images that come in
};

// By the tables of conv_rules.h, which were measured beforehand, never by a clock: a run must come
// to the same bytes each time.
ConvChoice ChooseConv(CpuLevel level, at::ScalarType type, const ConvShape& shape);

// For inference, where a call through libtorch costs more than what it computes. Does not depend on
// shape.width: one choice serves images of any size.
ConvAlgorithm ChooseScoring(CpuLevel level, at::ScalarType type, const ConvShape& shape);

}  // namespace torchgraft
