#pragma once

// What the forward and the backward passes of batch norm share.

#include <cstdint>

#include "torch/cuda/layers/channel_rows.h"
#include "torch/cuda/layers/norm_job.h"

namespace torchgraft {

namespace {

// A block is a part of the rows.
struct NormRows : ThreadRows {
  __device__ explicit NormRows(const NormJob& job)
      : ThreadRows(job.channels, job.wide, blockIdx.x, gridDim.x) {}
};

// The sums of this block, which is a part of the rows.
__device__ inline float* PartOf(const NormJob& job) {
  return job.partial + static_cast<int64_t>(blockIdx.x) * 2 * job.channels;
}

// What NormApply takes of each channel: y = (x − mean) · scale + bias.
struct Affine {
  Floats mean;
  Floats scale;
  Floats bias;

  __device__ Affine(const NormJob& job, int64_t vector)
      : mean(LoadChannels(job.coefficients, vector)),
        scale(LoadChannels(job.coefficients + job.channels, vector)),
        bias(LoadChannels(job.coefficients + 2 * job.channels, vector)) {}

  __device__ float Of(float x, int i) const { return (x - mean.at[i]) * scale.at[i] + bias.at[i]; }
};

// A thread of a final reduction, which has one warp a channel: both sums over all parts, the same
// in every lane.
struct FinishThread {
  int lane;
  int64_t channel;
  double first = 0;
  double second = 0;

  __device__ FinishThread() {
    lane = threadIdx.x % kFinishLanes;
    channel = static_cast<int64_t>(blockIdx.x) * kFinishChannels + threadIdx.x / kFinishLanes;
  }

  __device__ void SumParts(const NormJob& job) {
    first = Sum(job, 0);
    second = Sum(job, 1);
  }

 private:
  __device__ double Sum(const NormJob& job, int which) const {
    double sum = 0;
    for (int part = lane; part < job.parts; part += kFinishLanes)
      sum += job.partial[(static_cast<int64_t>(part) * 2 + which) * job.channels + channel];
#pragma unroll
    for (int offset = kFinishLanes / 2; offset > 0; offset /= 2)
      sum += __shfl_xor_sync(0xffffffff, sum, offset);
    return sum;
  }
};

}  // namespace

}  // namespace torchgraft
