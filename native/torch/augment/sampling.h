#pragma once

#include <cstdint>

#include "torch/kernels/sample/sample.h"
#include "torch/session/batch.h"

namespace torchgraft {

// The sampling kernels' input for one image, from its plan as src/augment/plan.ts packs it.
Sampling MakeSampling(const Images& images, const double* packed, const uint8_t* pixels,
                      int64_t height, int64_t width);

}  // namespace torchgraft
