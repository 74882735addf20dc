#pragma once

// Batch norm with residual addition and ReLU, backward.

#include "torch/cuda/layers/kernel.h"
#include "torch/cuda/layers/norm_rows.h"

namespace torchgraft {

namespace {

// The gradient before ReLU, rounded to the element type as the residual branch receives it.
__device__ inline Floats BeforeRelu(const NormJob& job, int64_t at, const Floats& x,
                                    const Affine& norm) {
  Floats g = Load(job.dy, at);
  if (job.dy_shortcut != nullptr) {
    const Floats shortcut = Load(job.dy_shortcut, at);
#pragma unroll
    for (int i = 0; i < kVector; ++i) g.at[i] = Rounded(g.at[i] + shortcut.at[i]);
  }
  if (!job.relu) return g;
  const uint32_t mask = job.relu_mask != nullptr ? job.relu_mask[at] : 0;
#pragma unroll
  for (int i = 0; i < kVector; ++i) {
    const bool positive =
        job.relu_mask != nullptr ? (mask >> i & 1) != 0 : !(norm.Of(x.at[i], i) <= 0);
    if (!positive) g.at[i] = 0;
  }
  return g;
}

}  // namespace

// Σ g and Σ g · (x − mean), with g the gradient before ReLU; stores g where a shortcut needs it.
TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads)
    NormGradientSums(const __grid_constant__ NormJob job) {
  const NormRows rows(job);
  Floats sum = {};
  Floats products = {};
  if (rows.InRange()) {
    const Affine norm(job, rows.vector);
#pragma unroll 2
    for (int64_t row = rows.first; row < job.rows; row += rows.step) {
      const int64_t at = rows.At(row);
      const Floats x = Load(job.x, at);
      const Floats g = BeforeRelu(job, at, x, norm);
#pragma unroll
      for (int i = 0; i < kVector; ++i) {
        sum.at[i] += g.at[i];
        products.at[i] += g.at[i] * (x.at[i] - norm.mean.at[i]);
      }
      if (job.d_added != nullptr) Store(job.d_added, at, g);
    }
  }
  StorePart<2>(rows, {sum, products}, PartOf(job));
}

// One warp a channel: the gradients of weight and bias.
TORCHGRAFT_KERNEL __launch_bounds__(kFinishChannels* kFinishLanes)
    NormGradientFinish(const __grid_constant__ NormJob job) {
  FinishThread thread;
  if (thread.channel >= job.channels) return;
  thread.SumParts(job);
  if (thread.lane != 0) return;
  const float inverse = job.coefficients[3 * job.channels + thread.channel];
  job.gradient[thread.channel] = static_cast<float>(thread.second * inverse);
  job.gradient[job.channels + thread.channel] = static_cast<float>(thread.first);
}

// Two blocks a multiprocessor: for three, a compiler of CUDA 13.0 lacks registers.
TORCHGRAFT_KERNEL __launch_bounds__(kBlockThreads, 2)
    NormGradient(const __grid_constant__ NormJob job) {
  const NormRows rows(job);
  if (!rows.InRange()) return;
  const Affine norm(job, rows.vector);
  Floats g_mean = {};  // Σ g / rows
  Floats slope = {};   // of x − mean: Σ g · (x − mean) / (rows · variance)
  if (job.learns) {
    const Floats of_weight = LoadChannels(job.gradient, rows.vector);
    const Floats of_bias = LoadChannels(job.gradient + job.channels, rows.vector);
    const Floats inverse = LoadChannels(job.coefficients + 3 * job.channels, rows.vector);
#pragma unroll
    for (int i = 0; i < kVector; ++i) {
      g_mean.at[i] = of_bias.at[i] / job.rows;
      slope.at[i] = of_weight.at[i] * inverse.at[i] / job.rows;
    }
  }
#pragma unroll 2
  for (int64_t row = rows.first; row < job.rows; row += rows.step) {
    const int64_t at = rows.At(row);
    const Floats x = Load(job.x, at);
    const Floats g = job.d_added != nullptr ? Load(job.d_added, at) : BeforeRelu(job, at, x, norm);
    Floats dx;
#pragma unroll
    for (int i = 0; i < kVector; ++i)
      dx.at[i] =
          norm.scale.at[i] * (g.at[i] - g_mean.at[i] - (x.at[i] - norm.mean.at[i]) * slope.at[i]);
    Store(job.dx, at, dx);
  }
}

}  // namespace torchgraft
