#pragma once

#include <torch/types.h>

#include "torch/session/batch.h"

namespace torchgraft {

// RenderBatch's work in libtorch's own operations, for devices that its loops cannot reach. Only
// the uint8 sources and the plans cross; the device does the rest, and is not waited for.
at::Tensor RenderBatchOn(at::Device device, const Images& images, at::ScalarType dtype);

}  // namespace torchgraft
