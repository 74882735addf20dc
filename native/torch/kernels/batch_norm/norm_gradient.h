#pragma once

// The backward passes of norm.h.

#include "torch/kernels/batch_norm/norm.h"
#include "torch/kernels/batch_norm/row_vectors.h"

namespace torchgraft {

namespace {

enum class ReluGate { kNone, kFromX, kFromMask };

// dz of a vector's channels in one row, where x − mean is `off`.
template <typename T, ReluGate kGate, bool kShortcut>
struct GatedGradient {
  const NormBackward& norm;
  int64_t mask_row;

  template <typename Span>
  TORCHGRAFT_INLINE Vec operator()(int64_t row, int64_t c, Span span, Vec off) const {
    const int64_t at = row * norm.channels + c;
    Vec dz = Read(static_cast<const T*>(norm.dy) + at, span);
    if constexpr (kShortcut) dz = dz + Read(static_cast<const T*>(norm.dy_shortcut) + at, span);
    if constexpr (kGate == ReluGate::kFromX) {
      return SelectPositive(dz, MulAdd(off, Vec::Load(norm.scale + c), Vec::Load(norm.bias + c)));
    }
    if constexpr (kGate == ReluGate::kFromMask) {
      return Select(dz, ReadMask(norm.relu_mask + row * mask_row + c / Vec::kLanes * kMaskBytes));
    }
    return dz;
  }
};

template <typename T, ReluGate kGate, bool kShortcut, bool kWrites>
void GradientSumsOf(const NormBackward& norm, int64_t begin, int64_t end, float* sum,
                    float* products) {
  const int64_t channels = norm.channels;
  const GatedGradient<T, kGate, kShortcut> gated{norm, MaskBytesPerRow(channels)};
  const auto* const from = static_cast<const T*>(norm.x);
  auto* const to = static_cast<T*>(norm.dz);
  for (int64_t row = begin; row < end; row += kRowsPerStep) {
    EachVector(channels, [&](int64_t c, auto span) TORCHGRAFT_INLINE {
      const Vec mean = Vec::Load(norm.mean + c);
      Vec dz_sum = Vec::Load(sum + c);
      Vec product_sum = Vec::Load(products + c);
      const auto one = [&](int64_t r) TORCHGRAFT_INLINE {
        const Vec off = Read(from + r * channels + c, span) - mean;
        const Vec dz = gated(r, c, span, off);
        if constexpr (kWrites) Write(to + r * channels + c, dz, span);
        dz_sum = dz_sum + dz;
        product_sum = MulAdd(dz, off, product_sum);
      };
      EachRowOfStep(row, end, one);
      dz_sum.Store(sum + c);
      product_sum.Store(products + c);
    });
  }
}

template <typename T>
void GradientSums(const NormBackward& norm, int64_t begin, int64_t end, float* sum,
                  float* products) {
  const bool shortcut = norm.dy_shortcut != nullptr;
  const auto run = [&](auto of) { of(norm, begin, end, sum, products); };
  if (norm.relu_mask != nullptr) {
    return shortcut ? run(GradientSumsOf<T, ReluGate::kFromMask, true, true>)
                    : run(GradientSumsOf<T, ReluGate::kFromMask, false, true>);
  }
  if (norm.relu) {
    return shortcut ? run(GradientSumsOf<T, ReluGate::kFromX, true, false>)
                    : run(GradientSumsOf<T, ReluGate::kFromX, false, false>);
  }
  return shortcut ? run(GradientSumsOf<T, ReluGate::kNone, true, false>)
                  : run(GradientSumsOf<T, ReluGate::kNone, false, false>);
}

template <typename T, ReluGate kGate, bool kShortcut>
void GradientOf(const NormBackward& norm, int64_t begin, int64_t end) {
  const int64_t channels = norm.channels;
  const GatedGradient<T, kGate, kShortcut> gated{norm, MaskBytesPerRow(channels)};
  for (int64_t row = begin; row < end; ++row) {
    const T* const from = static_cast<const T*>(norm.x) + row * channels;
    T* const to = static_cast<T*>(norm.dx) + row * channels;
    EachVector(channels, [&](int64_t c, auto span) TORCHGRAFT_INLINE {
      const Vec off = Read(from + c, span) - Vec::Load(norm.mean + c);
      const Vec rest = MulAdd(off, Vec::Load(norm.coef_x + c), Vec::Load(norm.offset + c));
      Write(to + c, MulAdd(gated(row, c, span, off), Vec::Load(norm.coef_dz + c), rest), span);
    });
  }
}

template <typename T>
void Gradient(const NormBackward& norm, int64_t begin, int64_t end) {
  if (norm.dz != nullptr) {
    NormBackward written = norm;
    written.dy = norm.dz;
    return GradientOf<T, ReluGate::kNone, false>(written, begin, end);
  }
  const bool shortcut = norm.dy_shortcut != nullptr;
  if (norm.relu) {
    return shortcut ? GradientOf<T, ReluGate::kFromX, true>(norm, begin, end)
                    : GradientOf<T, ReluGate::kFromX, false>(norm, begin, end);
  }
  return shortcut ? GradientOf<T, ReluGate::kNone, true>(norm, begin, end)
                  : GradientOf<T, ReluGate::kNone, false>(norm, begin, end);
}

}  // namespace

}  // namespace torchgraft
