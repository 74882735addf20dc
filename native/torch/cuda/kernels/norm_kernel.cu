// Batch norm with its sum and ReLU, forward and backward, channels_last. Compiled at run time, once
// an element type: nvrtc.h.
//
// Each pass over a tensor shares its rows out to blocks by their number alone, and what the blocks
// sum is added up in their order: the same bits each time.

#include "torch/cuda/kernels/element.h"
#include "torch/cuda/kernels/norm_job.h"

using namespace torchgraft;

namespace {

// A thread's place: a vector of channels, for good, and every `step`-th row.
struct Place {
  int64_t vectors;  // of a row
  int64_t vector;   // this thread's; none of its own where that is vectors or more
  int64_t first;
  int64_t step;
  int lane;  // among the threads of the block that have the vector
  int lanes;
  int column;  // of the vector in its block

  __device__ explicit Place(const NormJob& job) {
    vectors = job.channels / kNormVector;
    const int wide = static_cast<int>(vectors < kNormVectors ? vectors : kNormVectors);
    lanes = kNormThreads / wide;
    lane = threadIdx.x / wide;
    column = threadIdx.x % wide;
    vector = static_cast<int64_t>(blockIdx.y) * wide + column;
    first = static_cast<int64_t>(blockIdx.x) * lanes + lane;
    step = static_cast<int64_t>(gridDim.x) * lanes;
  }

  __device__ bool Works() const { return lane < lanes && vector < vectors; }
  __device__ int64_t At(int64_t row) const { return row * vectors + vector; }
};

__device__ Floats LoadChannels(const float* channels, int64_t vector) {
  Floats f;
#pragma unroll
  for (int i = 0; i < kNormVector; ++i) f.at[i] = channels[vector * kNormVector + i];
  return f;
}

// What is near each channel's mean, so that sums about it cancel little: the mean of a few rows
// far from each other.
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

// Adds up what the lanes of a block summed, and leaves it as the block's part.
__device__ void StorePart(const NormJob& job, const Place& place, const Floats& a,
                          const Floats& b) {
  __shared__ float sums[2][kNormThreads][kNormVector + 1];
#pragma unroll
  for (int i = 0; i < kNormVector; ++i) {
    sums[0][threadIdx.x][i] = a.at[i];
    sums[1][threadIdx.x][i] = b.at[i];
  }
  __syncthreads();
  const int width = place.vectors < kNormVectors ? static_cast<int>(place.vectors) : kNormVectors;
  for (int t = threadIdx.x; t < 2 * width * kNormVector; t += kNormThreads) {
    const int which = t / (width * kNormVector);
    const int channel = t % (width * kNormVector);
    const int64_t absolute = static_cast<int64_t>(blockIdx.y) * width * kNormVector + channel;
    if (absolute >= job.channels) continue;
    float sum = 0;
    for (int lane = 0; lane < place.lanes; ++lane)
      sum += sums[which][lane * width + channel / kNormVector][channel % kNormVector];
    job.partial[(static_cast<int64_t>(blockIdx.x) * 2 + which) * job.channels + absolute] = sum;
  }
}

// Σ over the parts of one channel, by the threads of a warp: the whole sum is every lane's.
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
  const Place place(job);
  Floats sum = {};
  Floats squares = {};
  if (place.Works()) {
    const Floats shift = Shift(job, place.vector);
#pragma unroll 4
    for (int64_t row = place.first; row < job.rows; row += place.step) {
      const Floats x = Load(job.x, place.At(row));
#pragma unroll
      for (int i = 0; i < kNormVector; ++i) {
        const float d = x.at[i] - shift.at[i];
        sum.at[i] += d;
        squares.at[i] += d * d;
      }
    }
  }
  StorePart(job, place, sum, squares);
}

// A warp a channel: mean, variance, what the apply pass takes of them; the running ones follow.
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
  const double about = sum / n;
  const double spread = squares / n - about * about;
  const double variance = spread < 0 ? 0 : spread;  // NaN stays
  const float mean = static_cast<float>(shift + about);
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

// The same by the running statistics.
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
  const Place place(job);
  if (!place.Works()) return;
  const Floats mean = LoadChannels(job.coefficients, place.vector);
  const Floats scale = LoadChannels(job.coefficients + job.channels, place.vector);
  const Floats bias = LoadChannels(job.coefficients + 2 * job.channels, place.vector);
#pragma unroll 4
  for (int64_t row = place.first; row < job.rows; row += place.step) {
    const int64_t at = place.At(row);
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

// The gradient before ReLU, rounded as the shortcut's reader gets it.
__device__ Floats BeforeRelu(const NormJob& job, int64_t at, const Floats& x, const Floats& mean,
                             const Floats& scale, const Floats& bias) {
  Floats g = Load(job.dy, at);
  if (job.dy_shortcut != nullptr) {
    const Floats more = Load(job.dy_shortcut, at);
#pragma unroll
    for (int i = 0; i < kNormVector; ++i) g.at[i] = Rounded(g.at[i] + more.at[i]);
  }
  if (!job.relu) return g;
  const uint32_t mask = job.relu_mask != nullptr ? job.relu_mask[at] : 0;
#pragma unroll
  for (int i = 0; i < kNormVector; ++i) {
    const bool passed = job.relu_mask != nullptr
                            ? (mask >> i & 1) != 0
                            : !((x.at[i] - mean.at[i]) * scale.at[i] + bias.at[i] <= 0);
    if (!passed) g.at[i] = 0;
  }
  return g;
}

}  // namespace

// Σ g and Σ g · (x − mean), g the gradient before ReLU, which is left where a shortcut asks for it.
extern "C" __global__ void __launch_bounds__(kNormThreads)
    NormGradientSums(const __grid_constant__ NormJob job) {
  const Place place(job);
  Floats sum = {};
  Floats products = {};
  if (place.Works()) {
    const Floats mean = LoadChannels(job.coefficients, place.vector);
    const Floats scale = LoadChannels(job.coefficients + job.channels, place.vector);
    const Floats bias = LoadChannels(job.coefficients + 2 * job.channels, place.vector);
#pragma unroll 2
    for (int64_t row = place.first; row < job.rows; row += place.step) {
      const int64_t at = place.At(row);
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
  StorePart(job, place, sum, products);
}

// A warp a channel: the gradients of weight and bias.
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
  const Place place(job);
  if (!place.Works()) return;
  const Floats mean = LoadChannels(job.coefficients, place.vector);
  const Floats scale = LoadChannels(job.coefficients + job.channels, place.vector);
  const Floats bias = LoadChannels(job.coefficients + 2 * job.channels, place.vector);
  Floats about = {};  // taken from g: Σ g / rows
  Floats slope = {};  // of x − mean: Σ g · (x − mean) / (rows · variance)
  if (job.learns) {
    const Floats of_weight = LoadChannels(job.gradient, place.vector);
    const Floats of_bias = LoadChannels(job.gradient + job.channels, place.vector);
    const Floats inverse = LoadChannels(job.coefficients + 3 * job.channels, place.vector);
#pragma unroll
    for (int i = 0; i < kNormVector; ++i) {
      about.at[i] = of_bias.at[i] / job.rows;
      slope.at[i] = of_weight.at[i] * inverse.at[i] / job.rows;
    }
  }
#pragma unroll 2
  for (int64_t row = place.first; row < job.rows; row += place.step) {
    const int64_t at = place.At(row);
    const Floats x = Load(job.x, at);
    const Floats g =
        job.d_added != nullptr ? Load(job.d_added, at) : BeforeRelu(job, at, x, mean, scale, bias);
    Floats dx;
#pragma unroll
    for (int i = 0; i < kNormVector; ++i)
      dx.at[i] = scale.at[i] * (g.at[i] - about.at[i] - (x.at[i] - mean.at[i]) * slope.at[i]);
    Store(job.dx, at, dx);
  }
}
