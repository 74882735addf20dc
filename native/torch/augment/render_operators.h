#pragma once

#include <torch/types.h>

#include "torch/session/batch.h"

namespace torchgraft {

// RenderBatch by libtorch's own operators, for devices other than the CPU, and for tests. Uploads
// the uint8 sources and the plans, and does not wait for the device. [size, 3, output, output] in
// channels_last.
at::Tensor RenderBatchOn(at::Device device, const Images& images, at::ScalarType dtype);

}  // namespace torchgraft
