#pragma once

#include <ATen/core/Tensor.h>

namespace torchgraft {

// Sums over the outputs of a convolution that its loops take as they store them, so that the norm
// after it need not read them once more.
struct OutputSums {
  at::Tensor about;  // float, [channels]: outputs are taken by how far they are from it

  // Of that and of its squares, [2, channels] in double. Undefined where no loops took them.
  at::Tensor sums;
};

}  // namespace torchgraft
