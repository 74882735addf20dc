#pragma once

#include <torch/types.h>

#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

enum class ConvAlgorithm {
  kLibrary,  // oneDNN's convolution, through libtorch
  kProduct,  // pointwise_conv.h, by libtorch's product
  kPacked,   // the same by our own, pixel_product.h and pointwise_gradient.h
  kDirect,   // grouped_conv.h
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
  int64_t width;  // of the images that come in
};

// By rules that were measured, never by a clock: a run must come to the same bytes each time.
ConvChoice ChooseConv(CpuLevel level, at::ScalarType type, const ConvShape& shape);

// For scoring, where each call costs more than what it computes if it goes through libtorch: of
// shape.width nothing is known.
ConvAlgorithm ChooseScoring(CpuLevel level, at::ScalarType type, const ConvShape& shape);

}  // namespace torchgraft
