#pragma once

// The kernels of norm.h, compiled once for each level of processor (vec.h tells how).

#include "torch/kernels/batch_norm/norm.h"
#include "torch/kernels/isa/vec.h"

namespace torchgraft {

namespace {

// Captures by reference would else be read again from memory for each row.
#define TORCHGRAFT_INLINE __attribute__((always_inline))

// A whole vector's channels, or a row's last few.
struct FullVector {};
struct Tail {
  int count;
};

template <typename T>
TORCHGRAFT_INLINE inline Vec Read(const T* from, FullVector) {
  return Vec::Load(from);
}
template <typename T>
TORCHGRAFT_INLINE inline Vec Read(const T* from, Tail tail) {
  return Vec::Load(from, tail.count);
}
template <typename T>
TORCHGRAFT_INLINE inline void Write(T* to, Vec v, FullVector) {
  v.Store(to);
}
template <typename T>
TORCHGRAFT_INLINE inline void Write(T* to, Vec v, Tail tail) {
  v.Store(to, tail.count);
}

template <typename Function>
TORCHGRAFT_INLINE inline void EachVector(int64_t channels, Function function) {
  int64_t c = 0;
  for (; c + Vec::kLanes <= channels; c += Vec::kLanes) function(c, FullVector{});
  if (c < channels) function(c, Tail{static_cast<int>(channels - c)});
}

constexpr int64_t kMaskBytes = (Vec::kLanes + 7) / 8;

TORCHGRAFT_INLINE inline uint32_t ReadMask(const uint8_t* from) {
  if constexpr (kMaskBytes == 1) return *from;
  return from[0] | static_cast<uint32_t>(from[1]) << 8;
}
TORCHGRAFT_INLINE inline void WriteMask(uint8_t* to, uint32_t bits) {
  to[0] = static_cast<uint8_t>(bits);
  if constexpr (kMaskBytes == 2) to[1] = static_cast<uint8_t>(bits >> 8);
}

int64_t MaskBytesPerRow(int64_t channels) {
  return (channels + Vec::kLanes - 1) / Vec::kLanes * kMaskBytes;
}

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
  constexpr int kRowsPerStep = 4;
  for (int64_t row = begin; row < end; row += kRowsPerStep) {
    const int64_t count = end - row < kRowsPerStep ? end - row : kRowsPerStep;
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
      if (count == kRowsPerStep) {
        one(row);
        one(row + 1);
        one(row + 2);
        one(row + 3);
      } else {
        for (int64_t r = row; r < end; ++r) one(r);
      }
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

template <typename T>
NormKernels KernelsOf() {
  return {Sums<T>, Forward<T>, GradientSums<T>, Gradient<T>, Vec::kLanes};
}

NormKernels Kernels(bool bf16) { return bf16 ? KernelsOf<uint16_t>() : KernelsOf<float>(); }

}  // namespace

}  // namespace torchgraft
