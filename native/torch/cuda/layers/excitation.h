#pragma once

// Squeeze-and-excitation's passes over x, forward and backward: the small products between them,
// of a row an image, are libtorch's.

#include "torch/cuda/layers/channel_rows.h"
#include "torch/cuda/layers/excitation_job.h"
#include "torch/cuda/layers/kernel.h"

namespace torchgraft {

namespace {

// A block is a part of one image's rows.
struct ImageRows : ThreadRows {
  int64_t image;
  int64_t part;

  __device__ explicit ImageRows(const ExcitationJob& job)
      : ThreadRows(job.channels, job.wide, blockIdx.x % job.parts, job.parts),
        image(blockIdx.x / job.parts),
        part(blockIdx.x % job.parts) {}

  __device__ int64_t At(const ExcitationJob& job, int64_t row) const {
    return ThreadRows::At(image * job.rows + row);
  }
  // This thread's weights, or the like.
  __device__ Floats Load(const float* of_channels) const {
    return LoadChannels(of_channels, ThreadRows::At(image));
  }
  // The sums of this block.
  __device__ float* Sums(const ExcitationJob& job) const {
    return job.partial + (part * job.images + image) * job.channels;
  }
};

// A thread of a final reduction: one channel of one image.
struct ImageChannel {
  int64_t at;

  __device__ ImageChannel() : at(static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) {}

  __device__ bool InRange(const ExcitationJob& job) const { return at < job.images * job.channels; }
  __device__ float SumParts(const ExcitationJob& job) const {
    float sum = 0;
    for (int part = 0; part < job.parts; ++part)
      sum += job.partial[part * job.images * job.channels + at];
    return sum;
  }
};

}  // namespace

// Σ x over each part of an image's rows.
TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads)
    ExcitationSums(const __grid_constant__ ExcitationJob job) {
  const ImageRows rows(job);
  Floats sum = {};
  if (rows.InRange()) {
#pragma unroll 4
    for (int64_t row = rows.first; row < job.rows; row += rows.step) {
      const Floats x = Load(job.x, rows.At(job, row));
#pragma unroll
      for (int i = 0; i < kVector; ++i) sum.at[i] += x.at[i];
    }
  }
  StorePart<1>(rows, {sum}, rows.Sums(job));
}

TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads)
    ExcitationMean(const __grid_constant__ ExcitationJob job) {
  const ImageChannel channel;
  if (channel.InRange(job)) job.mean[channel.at] = channel.SumParts(job) / job.rows;
}

// weights · x
TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads)
    ExcitationScale(const __grid_constant__ ExcitationJob job) {
  const ImageRows rows(job);
  if (!rows.InRange()) return;
  const Floats weights = rows.Load(job.weights);
#pragma unroll 4
  for (int64_t row = rows.first; row < job.rows; row += rows.step) {
    const int64_t at = rows.At(job, row);
    Floats y = Load(job.x, at);
#pragma unroll
    for (int i = 0; i < kVector; ++i) y.at[i] *= weights.at[i];
    Store(job.y, at, y);
  }
}

// Σ x · dy over each part of an image's rows.
TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads)
    ExcitationDots(const __grid_constant__ ExcitationJob job) {
  const ImageRows rows(job);
  Floats sum = {};
  if (rows.InRange()) {
#pragma unroll 4
    for (int64_t row = rows.first; row < job.rows; row += rows.step) {
      const int64_t at = rows.At(job, row);
      const Floats x = Load(job.x, at);
      const Floats dy = Load(job.dy, at);
#pragma unroll
      for (int i = 0; i < kVector; ++i) sum.at[i] += x.at[i] * dy.at[i];
    }
  }
  StorePart<1>(rows, {sum}, rows.Sums(job));
}

// Through the sigmoid: Σ x · dy · w (1 − w).
TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads)
    ExcitationLogits(const __grid_constant__ ExcitationJob job) {
  const ImageChannel channel;
  if (!channel.InRange(job)) return;
  const float weight = job.weights[channel.at];
  job.d_logits[channel.at] = channel.SumParts(job) * weight * (1 - weight);
}

// weights · dy + the mean's gradient, of which each pixel has its share.
TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads)
    ExcitationGradient(const __grid_constant__ ExcitationJob job) {
  const ImageRows rows(job);
  if (!rows.InRange()) return;
  const Floats weights = rows.Load(job.weights);
  Floats share = rows.Load(job.d_mean);
#pragma unroll
  for (int i = 0; i < kVector; ++i) share.at[i] /= job.rows;
#pragma unroll 4
  for (int64_t row = rows.first; row < job.rows; row += rows.step) {
    const int64_t at = rows.At(job, row);
    Floats dx = Load(job.dy, at);
#pragma unroll
    for (int i = 0; i < kVector; ++i) dx.at[i] = dx.at[i] * weights.at[i] + share.at[i];
    Store(job.dx, at, dx);
  }
}

}  // namespace torchgraft
