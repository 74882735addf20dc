#pragma once

#include <cstdint>

#include "batch.h"
#include "kernels/sample.h"

namespace torchgraft {

// What kernels read of a picture's plan: src/data/plan.ts tells which number is which.
Sampling MakeSampling(const Images& images, const double* packed, const uint8_t* pixels,
                      int64_t height, int64_t width);

}  // namespace torchgraft
