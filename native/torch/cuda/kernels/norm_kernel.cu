// Batch norm with residual addition and ReLU, forward and backward, channels_last. Compiled at run
// time, once an element type: nvrtc.h.
//
// Reductions are deterministic: rows are assigned to blocks by their numbers alone, and the blocks'
// partial sums are added up in order, without atomics.

#include "torch/cuda/kernels/element.h"
#include "torch/cuda/kernels/norm_job.h"

using namespace torchgraft;

namespace {

// The elements of a thread: one vector of channels, in every `step`-th row from `first`.
struct ThreadRows {
  int64_t vectors;  // of a row
  int64_t vector;   // this thread's; out of range from `vectors` on
  int64_t first;
  int64_t step;
  int lane;  // this thread's number among the block's threads with the same vector
  int lanes;
  int column;  // of the vector in its block

  __device__ explicit ThreadRows(const NormJob& job) {
    vectors = job.channels / kNormVector;
    const int wide = static_cast<int>(vectors < kNormVectors ? vectors : kNormVectors);
    lanes = kNormThreads / wide;
    lane = threadIdx.x / wide;
    column = threadIdx.x % wide;
    vector = static_cast<int64_t>(blockIdx.y) * wide + column;
    first = static_cast<int64_t>(blockIdx.x) * lanes + lane;
    step = static_cast<int64_t>(gridDim.x) * lanes;
  }

  __device__ bool InRange() const { return lane < lanes && vector < vectors; }
  __device__ int64_t At(int64_t row) const { return row * vectors + vector; }
};

__device__ Floats LoadChannels(const float* channels, int64_t vector) {
  Floats f;
#pragma unroll
  for (int i = 0; i < kNormVector; ++i) f.at[i] = channels[vector * kNormVector + i];
  return f;
}

// A value near each channel's mean, to shift x by, so that Σ (x − shift)² loses little to
// cancellation: the mean of a few rows that are far apart.
__device__ Floats Shift(const NormJob& job, int64_t vector) {
  constexpr int kSamples = 8;
  Floats shift = {};
  for (int s = 0; s < kSamples; ++s) {
    const int64_t row = (2 * s + 1) * job.rows / (2 * kSamples);
    const Floats x = Load(job.x, row * (job.channels / kNormVector) + vector);
#pragma unroll
    for (int i = 0; i < kNormVector; ++i) shift.at[i] += x.at[i] / kSamples;
  }
  return shift;
}

// Sums a and b over the lanes of a block, and writes them as the block's part of `partial`.
__device__ void StorePart(const NormJob& job, const ThreadRows& rows, const Floats& a,
                          const Floats& b) {
  __shared__ float sums[2][kNormThreads][kNormVector + 1];
#pragma unroll
  for (int i = 0; i < kNormVector; ++i) {
    sums[0][threadIdx.x][i] = a.at[i];
    sums[1][threadIdx.x][i] = b.at[i];
  }
  __syncthreads();
  const int width = rows.vectors < kNormVectors ? static_cast<int>(rows.vectors) : kNormVectors;
  for (int t = threadIdx.x; t < 2 * width * kNormVector; t += kNormThreads) {
    const int which = t / (width * kNormVector);
    const int channel = t % (width * kNormVector);
    const int64_t absolute = static_cast<int64_t>(blockIdx.y) * width * kNormVector + channel;
    if (absolute >= job.channels) continue;
    float sum = 0;
    for (int lane = 0; lane < rows.lanes; ++lane)
      sum += sums[which][lane * width + channel / kNormVector][channel % kNormVector];
    job.partial[(static_cast<int64_t>(blockIdx.x) * 2 + which) * job.channels + absolute] = sum;
  }
}

// A warp reduction: Σ over the parts of one channel, the same in every lane.
__device__ double SumParts(const NormJob& job, int which, int64_t channel, int lane) {
  double sum = 0;
  for (int part = lane; part < job.parts; part += kFinishLanes)
    sum += job.partial[(static_cast<int64_t>(part) * 2 + which) * job.channels + channel];
#pragma unroll
  for (int offset = kFinishLanes / 2; offset > 0; offset /= 2)
    sum += __shfl_xor_sync(0xffffffff, sum, offset);
  return sum;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kNormThreads)
    NormStatistics(const __grid_constant__ NormJob job) {
  const ThreadRows rows(job);
  Floats sum = {};
  Floats squares = {};
  if (rows.InRange()) {
    const Floats shift = Shift(job, rows.vector);
#pragma unroll 4
    for (int64_t row = rows.first; row < job.rows; row += rows.step) {
      const Floats x = Load(job.x, rows.At(row));
#pragma unroll
      for (int i = 0; i < kNormVector; ++i) {
        const float d = x.at[i] - shift.at[i];
        sum.at[i] += d;
        squares.at[i] += d * d;
      }
    }
  }
  StorePart(job, rows, sum, squares);
}

// One warp a channel: mean and variance, the coefficients of NormApply, and the running statistics.
extern "C" __global__ void __launch_bounds__(kFinishChannels* kFinishLanes)
    NormFinish(const __grid_constant__ NormJob job) {
  const int lane = threadIdx.x % kFinishLanes;
  const int64_t channel =
      static_cast<int64_t>(blockIdx.x) * kFinishChannels + threadIdx.x / kFinishLanes;
  if (channel >= job.channels) return;
  const Floats shifts = Shift(job, channel / kNormVector);
  float shift = 0;
#pragma unroll
  for (int i = 0; i < kNormVector; ++i)
    if (i == channel % kNormVector) shift = shifts.at[i];
  const double sum = SumParts(job, 0, channel, lane);
  const double squares = SumParts(job, 1, channel, lane);
  if (lane != 0) return;
  const double n = static_cast<double>(job.rows);
  const double offset = sum / n;  // of the mean from `shift`
  const double spread = squares / n - offset * offset;
  const double variance = spread < 0 ? 0 : spread;  // NaN stays
  const float mean = static_cast<float>(shift + offset);
  const float inverse = static_cast<float>(1 / sqrt(variance + job.eps));
  job.coefficients[channel] = mean;
  job.coefficients[job.channels + channel] = job.weight[channel] * inverse;
  job.coefficients[2 * job.channels + channel] = job.bias[channel];
  job.coefficients[3 * job.channels + channel] = inverse;
  const double unbiased = job.rows > 1 ? variance * n / (n - 1) : variance;
  job.running_mean[channel] += job.momentum * (mean - job.running_mean[channel]);
  job.running_var[channel] +=
      job.momentum * (static_cast<float>(unbiased) - job.running_var[channel]);
}

// NormFinish of evaluation: the coefficients from the running statistics.
extern "C" __global__ void NormByRunning(const __grid_constant__ NormJob job) {
  const int64_t channel = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (channel >= job.channels) return;
  const float inverse =
      static_cast<float>(1 / sqrt(static_cast<double>(job.running_var[channel]) + job.eps));
  job.coefficients[channel] = job.running_mean[channel];
  job.coefficients[job.channels + channel] = job.weight[channel] * inverse;
  job.coefficients[2 * job.channels + channel] = job.bias[channel];
  job.coefficients[3 * job.channels + channel] = inverse;
}

extern "C" __global__ void __launch_bounds__(kNormThreads)
    NormApply(const __grid_constant__ NormJob job) {
  const ThreadRows rows(job);
  if (!rows.InRange()) return;
  const Floats mean = LoadChannels(job.coefficients, rows.vector);
  const Floats scale = LoadChannels(job.coefficients + job.channels, rows.vector);
  const Floats bias = LoadChannels(job.coefficients + 2 * job.channels, rows.vector);
#pragma unroll 4
  for (int64_t row = rows.first; row < job.rows; row += rows.step) {
    const int64_t at = rows.At(row);
    Floats y = Load(job.x, at);
    Floats added = {};
    if (job.added != nullptr) added = Load(job.added, at);
    uint32_t mask = 0;
#pragma unroll
    for (int i = 0; i < kNormVector; ++i) {
      float z = (y.at[i] - mean.at[i]) * scale.at[i] + bias.at[i];
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

namespace {

// The gradient before ReLU, rounded to the element type as the residual branch receives it.
__device__ Floats BeforeRelu(const NormJob& job, int64_t at, const Floats& x, const Floats& mean,
                             const Floats& scale, const Floats& bias) {
  Floats g = Load(job.dy, at);
  if (job.dy_shortcut != nullptr) {
    const Floats shortcut = Load(job.dy_shortcut, at);
#pragma unroll
    for (int i = 0; i < kNormVector; ++i) g.at[i] = Rounded(g.at[i] + shortcut.at[i]);
  }
  if (!job.relu) return g;
  const uint32_t mask = job.relu_mask != nullptr ? job.relu_mask[at] : 0;
#pragma unroll
  for (int i = 0; i < kNormVector; ++i) {
    const bool positive = job.relu_mask != nullptr
                              ? (mask >> i & 1) != 0
                              : !((x.at[i] - mean.at[i]) * scale.at[i] + bias.at[i] <= 0);
    if (!positive) g.at[i] = 0;
  }
  return g;
}

}  // namespace

// Σ g and Σ g · (x − mean), with g the gradient before ReLU; stores g where a shortcut needs it.
extern "C" __global__ void __launch_bounds__(kNormThreads)
    NormGradientSums(const __grid_constant__ NormJob job) {
  const ThreadRows rows(job);
  Floats sum = {};
  Floats products = {};
  if (rows.InRange()) {
    const Floats mean = LoadChannels(job.coefficients, rows.vector);
    const Floats scale = LoadChannels(job.coefficients + job.channels, rows.vector);
    const Floats bias = LoadChannels(job.coefficients + 2 * job.channels, rows.vector);
#pragma unroll 2
    for (int64_t row = rows.first; row < job.rows; row += rows.step) {
      const int64_t at = rows.At(row);
      const Floats x = Load(job.x, at);
      const Floats g = BeforeRelu(job, at, x, mean, scale, bias);
#pragma unroll
      for (int i = 0; i < kNormVector; ++i) {
        sum.at[i] += g.at[i];
        products.at[i] += g.at[i] * (x.at[i] - mean.at[i]);
      }
      if (job.d_added != nullptr) Store(job.d_added, at, g);
    }
  }
  StorePart(job, rows, sum, products);
}

// One warp a channel: the gradients of weight and bias.
extern "C" __global__ void __launch_bounds__(kFinishChannels* kFinishLanes)
    NormGradientFinish(const __grid_constant__ NormJob job) {
  const int lane = threadIdx.x % kFinishLanes;
  const int64_t channel =
      static_cast<int64_t>(blockIdx.x) * kFinishChannels + threadIdx.x / kFinishLanes;
  if (channel >= job.channels) return;
  const double sum = SumParts(job, 0, channel, lane);
  const double products = SumParts(job, 1, channel, lane);
  if (lane != 0) return;
  const float inverse = job.coefficients[3 * job.channels + channel];
  job.gradient[channel] = static_cast<float>(products * inverse);
  job.gradient[job.channels + channel] = static_cast<float>(sum);
}

extern "C" __global__ void __launch_bounds__(kNormThreads)
    NormGradient(const __grid_constant__ NormJob job) {
  const ThreadRows rows(job);
  if (!rows.InRange()) return;
  const Floats mean = LoadChannels(job.coefficients, rows.vector);
  const Floats scale = LoadChannels(job.coefficients + job.channels, rows.vector);
  const Floats bias = LoadChannels(job.coefficients + 2 * job.channels, rows.vector);
  Floats g_mean = {};  // Σ g / rows
  Floats slope = {};   // of x − mean: Σ g · (x − mean) / (rows · variance)
  if (job.learns) {
    const Floats of_weight = LoadChannels(job.gradient, rows.vector);
    const Floats of_bias = LoadChannels(job.gradient + job.channels, rows.vector);
    const Floats inverse = LoadChannels(job.coefficients + 3 * job.channels, rows.vector);
#pragma unroll
    for (int i = 0; i < kNormVector; ++i) {
      g_mean.at[i] = of_bias.at[i] / job.rows;
      slope.at[i] = of_weight.at[i] * inverse.at[i] / job.rows;
    }
  }
#pragma unroll 2
  for (int64_t row = rows.first; row < job.rows; row += rows.step) {
    const int64_t at = rows.At(row);
    const Floats x = Load(job.x, at);
    const Floats g =
        job.d_added != nullptr ? Load(job.d_added, at) : BeforeRelu(job, at, x, mean, scale, bias);
    Floats dx;
#pragma unroll
    for (int i = 0; i < kNormVector; ++i)
      dx.at[i] = scale.at[i] * (g.at[i] - g_mean.at[i] - (x.at[i] - mean.at[i]) * slope.at[i]);
    Store(job.dx, at, dx);
  }
}
