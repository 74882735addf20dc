#pragma once

#include <torch/types.h>

#include "torch/session/batch.h"

namespace torchgraft {

// The whole batch in one pass over its output: sample × colour × clamp × normalize, from uint8
// sources of any sizes to [size, 3, output, output] in channels_last, float32, bfloat16 or float16.
// Split over all cores by rows of the output, each computed alike whatever the split.
at::Tensor RenderBatch(const Images& images, at::ScalarType dtype);

}  // namespace torchgraft
