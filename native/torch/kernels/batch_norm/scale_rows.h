#pragma once

// ScaleRows and RowDots of norm.h.

#include "torch/kernels/batch_norm/norm.h"
#include "torch/kernels/batch_norm/row_vectors.h"

namespace torchgraft {

namespace {

template <typename T>
void Scale(const ScaleRows& rows, int64_t begin, int64_t end) {
  const int64_t channels = rows.channels;
  const float* const scale = rows.scale;
  const float* const offset = rows.offset;
  for (int64_t row = begin; row < end; ++row) {
    const T* const x = static_cast<const T*>(rows.x) + row * channels;
    T* const y = static_cast<T*>(rows.y) + row * channels;
    EachVector(channels, [&](int64_t c, auto span) TORCHGRAFT_INLINE {
      Write(y + c, MulAdd(Read(x + c, span), Vec::Load(scale + c), Vec::Load(offset + c)), span);
    });
  }
}

template <typename T>
void Dots(const RowDots& rows, int64_t begin, int64_t end, float* dots) {
  const int64_t channels = rows.channels;
  const auto* const x = static_cast<const T*>(rows.x);
  const auto* const y = static_cast<const T*>(rows.y);
  for (int64_t row = begin; row < end; row += kRowsPerStep) {
    EachVector(channels, [&](int64_t c, auto span) TORCHGRAFT_INLINE {
      Vec sum = Vec::Load(dots + c);
      const auto one = [&](int64_t r) TORCHGRAFT_INLINE {
        sum = MulAdd(Read(y + r * channels + c, span), Read(x + r * channels + c, span), sum);
      };
      EachRowOfStep(row, end, one);
      sum.Store(dots + c);
    });
  }
}

}  // namespace

}  // namespace torchgraft
