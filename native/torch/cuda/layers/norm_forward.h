#pragma once

// Batch norm with residual addition and ReLU, forward.

#include "torch/cuda/layers/kernel.h"
#include "torch/cuda/layers/norm_rows.h"

namespace torchgraft {

namespace {

// A value near each channel's mean, to shift x by, so that Σ (x − shift)² loses little to
// cancellation: the mean of a few rows that are far apart.
__device__ inline Floats Shift(const NormJob& job, int64_t vector) {
  constexpr int kSamples = 8;
  Floats shift = {};
  for (int s = 0; s < kSamples; ++s) {
    const int64_t row = (2 * s + 1) * job.rows / (2 * kSamples);
    const Floats x = Load(job.x, row * (job.channels / kVector) + vector);
#pragma unroll
    for (int i = 0; i < kVector; ++i) shift.at[i] += x.at[i] / kSamples;
  }
  return shift;
}

// What a channel's passes need, from its mean and variance.
__device__ inline void StoreCoefficients(const NormJob& job, int64_t channel, float mean,
                                         double variance) {
  const float inverse = static_cast<float>(1 / sqrt(variance + job.eps));
  job.coefficients[channel] = mean;
  job.coefficients[job.channels + channel] = job.weight[channel] * inverse;
  job.coefficients[2 * job.channels + channel] = job.bias[channel];
  job.coefficients[3 * job.channels + channel] = inverse;
}

}  // namespace

TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads)
    NormStatistics(const __grid_constant__ NormJob job) {
  const NormRows rows(job);
  Floats sum = {};
  Floats squares = {};
  if (rows.InRange()) {
    const Floats shift = Shift(job, rows.vector);
#pragma unroll 4
    for (int64_t row = rows.first; row < job.rows; row += rows.step) {
      const Floats x = Load(job.x, rows.At(row));
#pragma unroll
      for (int i = 0; i < kVector; ++i) {
        const float d = x.at[i] - shift.at[i];
        sum.at[i] += d;
        squares.at[i] += d * d;
      }
    }
  }
  StorePart<2>(rows, {sum, squares}, PartOf(job));
}

// One warp a channel: mean and variance, the coefficients of NormApply, and the running statistics.
TORCHGRAFT_KERNEL __launch_bounds__(kFinishChannels* kFinishLanes)
    NormFinish(const __grid_constant__ NormJob job) {
  FinishThread thread;
  const int64_t channel = thread.channel;
  if (channel >= job.channels) return;
  const Floats shifts = Shift(job, channel / kVector);
  float shift = 0;
#pragma unroll
  for (int i = 0; i < kVector; ++i)
    if (i == channel % kVector) shift = shifts.at[i];
  thread.SumParts(job);
  if (thread.lane != 0) return;
  if (channel == 0) ++*job.batches;
  const double n = static_cast<double>(job.rows);
  const double offset = thread.first / n;  // of the mean from `shift`
  const double spread = thread.second / n - offset * offset;
  const double variance = spread < 0 ? 0 : spread;  // NaN stays
  const float mean = static_cast<float>(shift + offset);
  StoreCoefficients(job, channel, mean, variance);
  const double unbiased = job.rows > 1 ? variance * n / (n - 1) : variance;
  job.running_mean[channel] += job.momentum * (mean - job.running_mean[channel]);
  job.running_var[channel] +=
      job.momentum * (static_cast<float>(unbiased) - job.running_var[channel]);
}

// NormFinish of evaluation: the coefficients from the running statistics.
TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads)
    NormByRunning(const __grid_constant__ NormJob job) {
  const int64_t channel = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (channel >= job.channels) return;
  StoreCoefficients(job, channel, job.running_mean[channel], job.running_var[channel]);
}

TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads) NormApply(const __grid_constant__ NormJob job) {
  const NormRows rows(job);
  if (!rows.InRange()) return;
  const Affine norm(job, rows.vector);
#pragma unroll 4
  for (int64_t row = rows.first; row < job.rows; row += rows.step) {
    const int64_t at = rows.At(row);
    Floats y = Load(job.x, at);
    Floats added = {};
    if (job.added != nullptr) added = Load(job.added, at);
    uint32_t mask = 0;
#pragma unroll
    for (int i = 0; i < kVector; ++i) {
      float z = norm.Of(y.at[i], i);
      if (job.added != nullptr) z += added.at[i];
      if (job.relu) {
        if (!(z <= 0)) mask |= 1u << i;  // NaN stays, and lets its gradient through
        if (z <= 0) z = 0;
      }
      y.at[i] = z;
    }
    if (job.relu_mask != nullptr) job.relu_mask[at] = static_cast<uint8_t>(mask);
    Store(job.y, at, y);
  }
}

}  // namespace torchgraft
