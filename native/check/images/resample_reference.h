#pragma once

#include <vector>

#include "torch/kernels/resample/resample.h"

namespace torchgraft {

// What rows that snap must come to, to the bit: one pixel after another, in the words of the
// operations of PyTorch that it follows. [output, output, 3].
std::vector<float> ResampleOneByOne(const Resampling& resampling);

}  // namespace torchgraft
