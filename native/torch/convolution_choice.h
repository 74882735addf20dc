#pragma once

#include <torch/types.h>

#include "kernels/cpu_level.h"

namespace torchgraft {

enum class ConvAlgorithm {
  kLibrary,  // oneDNN's convolution, through libtorch
  kProduct,  // pointwise_conv.h
  kDirect,   // grouped_conv.h, or pointwise_gradient.h
};

// By pass: each has a winner of its own.
struct ConvChoice {
  ConvAlgorithm forward = ConvAlgorithm::kLibrary;
  ConvAlgorithm data_gradient = ConvAlgorithm::kLibrary;
  ConvAlgorithm weight_gradient = ConvAlgorithm::kLibrary;

  bool AllLibrary() const;
};

struct ConvShape {
  int64_t in, out, kernel, stride, padding, groups;
  int64_t width;  // of the pictures that come in
};

// By rules that were measured, never by a clock: a run must come to the same bytes each time.
ConvChoice ChooseConv(CpuLevel level, at::ScalarType type, const ConvShape& shape);

}  // namespace torchgraft
