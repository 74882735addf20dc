#pragma once

// The argument of squeeze-and-excitation's kernels, filled in by the host.

#include <cstdint>

namespace torchgraft {

// Images whose channels each have a weight of their own, channels_last: a tensor of
// [images, channels, h, w] has `rows` = h · w rows of `channels` numbers an image.
struct ExcitationJob {
  int64_t images;
  int64_t rows;
  int64_t channels;  // a multiple of kVector

  // In the element type, [images, rows, channels].
  const void* x;
  const void* dy;
  void* y;  // of ExcitationScale
  void* dx;

  const float* weights;  // [images, channels], as all below unless noted
  const float* d_mean;   // gradient of the mean
  float* partial;        // [parts, images, channels]: sums of each part's rows
  float* mean;
  float* d_logits;  // gradient of what goes into the sigmoid, whose outputs are the weights
  int32_t parts;    // blocks along an image's rows
  int32_t wide;     // vectors of channels of a block
};

// The host's layout is the device's.
static_assert(sizeof(ExcitationJob) == 3 * 8 + 4 * 8 + 5 * 8 + 2 * 4);

}  // namespace torchgraft
