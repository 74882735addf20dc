#pragma once

// The kernel kBatchNorm: norm.h's passes in float and in bf16.

#include "torch/kernels/batch_norm/norm.h"
#include "torch/kernels/batch_norm/norm_gradient.h"
#include "torch/kernels/batch_norm/row_vectors.h"
#include "torch/kernels/batch_norm/scale_rows.h"

namespace torchgraft {

namespace {

// Eight rows are summed in registers, in two chains, before the sums in memory are touched.
constexpr int kRows = 8;

template <typename T>
void Sums(const void* from, int64_t channels, int64_t begin, int64_t end, const float* about,
          float* sum, float* squares) {
  const auto* x = static_cast<const T*>(from);
  int64_t row = begin;
  for (; row + kRows <= end; row += kRows) {
    EachVector(channels, [&](int64_t c, auto span) TORCHGRAFT_INLINE {
      const Vec middle = Vec::Load(about + c);
      const T* at = x + row * channels + c;
      Vec sums[2] = {Vec::Load(sum + c), Vec::Zero()};
      Vec products[2] = {Vec::Load(squares + c), Vec::Zero()};
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        const Vec off = Read(at + i * channels, span) - middle;
        sums[i % 2] = sums[i % 2] + off;
        products[i % 2] = MulAdd(off, off, products[i % 2]);
      }
      (sums[0] + sums[1]).Store(sum + c);
      (products[0] + products[1]).Store(squares + c);
    });
  }
  for (; row < end; ++row) {
    EachVector(channels, [&](int64_t c, auto span) TORCHGRAFT_INLINE {
      const Vec off = Read(x + row * channels + c, span) - Vec::Load(about + c);
      (Vec::Load(sum + c) + off).Store(sum + c);
      MulAdd(off, off, Vec::Load(squares + c)).Store(squares + c);
    });
  }
}

template <typename T, bool kRelu, bool kAdded, bool kMask>
void ForwardOf(const NormForward& norm, int64_t begin, int64_t end) {
  const int64_t channels = norm.channels;
  const int64_t mask_row = MaskBytesPerRow(channels);
  const float* const mean = norm.mean;
  const float* const scale = norm.scale;
  const float* const bias = norm.bias;
  for (int64_t row = begin; row < end; ++row) {
    const T* const x = static_cast<const T*>(norm.x) + row * channels;
    const T* const added = static_cast<const T*>(norm.added) + (kAdded ? row * channels : 0);
    T* const y = static_cast<T*>(norm.y) + row * channels;
    uint8_t* bits = norm.relu_mask + (kMask ? row * mask_row : 0);
    EachVector(channels, [&](int64_t c, auto span) TORCHGRAFT_INLINE {
      const Vec off = Read(x + c, span) - Vec::Load(mean + c);
      Vec v = MulAdd(off, Vec::Load(scale + c), Vec::Load(bias + c));
      if constexpr (kAdded) v = v + Read(added + c, span);
      if constexpr (kMask) {
        WriteMask(bits, PositiveMask(v));
        bits += kMaskBytes;
      }
      // In this order, which keeps what is not a number.
      if constexpr (kRelu) v = Max(Vec::Zero(), v);
      Write(y + c, v, span);
    });
  }
}

template <typename T>
void Forward(const NormForward& norm, int64_t begin, int64_t end) {
  if (!norm.relu) return ForwardOf<T, false, false, false>(norm, begin, end);
  if (norm.added == nullptr) return ForwardOf<T, true, false, false>(norm, begin, end);
  if (norm.relu_mask == nullptr) return ForwardOf<T, true, true, false>(norm, begin, end);
  ForwardOf<T, true, true, true>(norm, begin, end);
}

template <typename T>
constexpr NormKernels kKernelsOf{.sums = Sums<T>,
                                 .forward = Forward<T>,
                                 .gradient_sums = GradientSums<T>,
                                 .gradient = Gradient<T>,
                                 .scale_rows = Scale<T>,
                                 .row_dots = Dots<T>,
                                 .lanes = Vec::kLanes};

constexpr NormKernelsByType kKernel{.fp32 = kKernelsOf<float>, .bf16 = kKernelsOf<uint16_t>};

}  // namespace

}  // namespace torchgraft
