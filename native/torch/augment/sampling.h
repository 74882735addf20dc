#pragma once

#include <cstdint>

#include "torch/kernels/sample/sample.h"
#include "torch/session/batch.h"

namespace torchgraft {

// What kernels read of an image's plan: src/augment/plan.ts tells which number is which.
Sampling MakeSampling(const Images& images, const double* packed, const uint8_t* pixels,
                      int64_t height, int64_t width);

}  // namespace torchgraft
