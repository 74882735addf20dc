#pragma once

#include <torch/types.h>

#include "torch/augment/pixel_cache.h"
#include "torch/session/batch.h"

namespace torchgraft {

// Augments and normalizes a batch on the CPU in one pass over its output: sample, colour, clamp,
// normalize. From uint8 sources of any sizes to [size, 3, output, output] in channels_last, of
// float32, bfloat16 or float16. Rows of the output are shared out to all threads, and each row's
// bits are the same however they are split.
//
// Without a cache the batch must bring all its pixels; with one, those that come to stay are kept.
at::Tensor RenderBatch(const Images& images, at::ScalarType dtype, PixelCache* cache = nullptr);

}  // namespace torchgraft
