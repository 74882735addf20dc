#pragma once

// The kernels kPointwiseFp32 and kPointwiseBf16. A block of some pixels × a panel of some vectors
// of outputs stays in registers while it runs through the inputs.

#include "torch/kernels/conv1x1/pointwise.h"
#include "torch/kernels/isa/panel_gemm.h"

#if defined(__AVX512BF16__)
#include "torch/kernels/isa/lanes_avx512_bf16.h"
#elif defined(__AVX512F__)
#include "torch/kernels/isa/lanes_avx512.h"
#else
#include "torch/kernels/isa/lanes_avx2.h"
#endif

namespace torchgraft {

namespace {

// Of a row of blocks, what is read again for each panel: it stays in the second-level cache.
constexpr int64_t kBytesTogether = 64 * 1024;

template <class Lanes>
int64_t VectorsOf(int64_t out) {
  return (out + Lanes::kLanes - 1) / Lanes::kLanes;
}

template <class Lanes, int kVectors, int kPixels, typename Element>
inline __attribute__((always_inline)) void Block(const Pointwise& conv, int64_t first,
                                                 const Element* w, const Element* x,
                                                 const Element* added, Element* y) {
  Lanes sums[kPixels][kVectors];
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) {
    const Lanes bias = Lanes::Load(conv.bias + first + j * Lanes::kLanes);
#pragma GCC unroll 32
    for (int p = 0; p < kPixels; ++p) sums[p][j] = bias;
  }
  const int64_t x_step = conv.x_step;
  for (int64_t i = 0; i < conv.in; i += Lanes::kInputsPerDot) {
    AddInputs<Lanes>(w, x + i, x_step, sums);
    w += kVectors * Lanes::kLanes * Lanes::kInputsPerDot;
  }
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) {
    const int64_t channel = first + j * Lanes::kLanes;
    const int64_t left = conv.out - channel;
    const int count = left < Lanes::kLanes ? static_cast<int>(left) : Lanes::kLanes;
#pragma GCC unroll 32
    for (int p = 0; p < kPixels; ++p) {
      const int64_t at = p * conv.out + channel;
      if (added != nullptr) sums[p][j].AddResidual(added + at, count);
      if (conv.relu) sums[p][j].Relu();
      sums[p][j].Store(y + at, count);
    }
  }
}

template <class Lanes, int kVectors, int kPixels, typename Element>
void BlockOf(int64_t pixels, const Pointwise& conv, int64_t first, const Element* w,
             const Element* x, const Element* added, Element* y) {
  if constexpr (kPixels > 0) {
    if (pixels == kPixels)
      Block<Lanes, kVectors, kPixels>(conv, first, w, x, added, y);
    else
      BlockOf<Lanes, kVectors, kPixels - 1>(pixels, conv, first, w, x, added, y);
  }
}

// Fetches what will be written while what comes before it is computed.
template <typename Element>
void FetchOutputs(Element* y, int64_t pixels, int64_t y_step, int64_t count) {
  constexpr int64_t kOfLine = 64 / sizeof(Element);
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t i = 0; i < count; i += kOfLine) __builtin_prefetch(y + p * y_step + i, /*rw=*/1);
}

// A panel's outputs of some pixels, in blocks as equal as can be.
template <class Lanes, int kVectors, typename Element>
void Panel(const Pointwise& conv, int64_t first, const Element* w, const Element* x,
           const Element* added, int64_t pixels, Element* y) {
  constexpr int kMost = Lanes::MostPixels(kVectors);
  const int64_t blocks = (pixels + kMost - 1) / kMost;
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t begin = pixels * b / blocks;
    const int64_t end = pixels * (b + 1) / blocks;
    if (end < pixels)
      FetchOutputs(y + end * conv.out + first, kMost, conv.out, kVectors * Lanes::kLanes);
    BlockOf<Lanes, kVectors, kMost>(end - begin, conv, first, w, x + begin * conv.x_step,
                                    added == nullptr ? nullptr : added + begin * conv.out,
                                    y + begin * conv.out);
  }
}

template <class Lanes, int kVectors, typename Element>
void PanelWith(int vectors, const Pointwise& conv, int64_t first, const Element* w,
               const Element* x, const Element* added, int64_t pixels, Element* y) {
  if constexpr (kVectors > 0) {
    if (vectors == kVectors)
      Panel<Lanes, kVectors>(conv, first, w, x, added, pixels, y);
    else
      PanelWith<Lanes, kVectors - 1>(vectors, conv, first, w, x, added, pixels, y);
  }
}

template <class Lanes, typename Element>
void RunPointwise(const Pointwise& conv, const Element* packed, const Element* x,
                  const Element* added, int64_t pixels, Element* y) {
  const int64_t fit = kBytesTogether / (conv.in * static_cast<int64_t>(sizeof(Element)));
  const int64_t together = fit < 24 ? 24 : fit / 24 * 24;
  for (int64_t begin = 0; begin < pixels; begin += together) {
    const int64_t count = pixels - begin < together ? pixels - begin : together;
    const Element* w = packed;
    for (int64_t left = VectorsOf<Lanes>(conv.out), vector = 0; left > 0;) {
      const int vectors = PanelOf<Lanes::kMostVectors>(left);
      PanelWith<Lanes, Lanes::kMostVectors>(
          vectors, conv, vector * Lanes::kLanes, w, x + begin * conv.x_step,
          added == nullptr ? nullptr : added + begin * conv.out, count, y + begin * conv.out);
      w += conv.in * vectors * Lanes::kLanes;
      vector += vectors;
      left -= vectors;
    }
  }
}

// [panel][input][output in the panel]; inputs that a vector instruction takes together lie beside
// each other for each output. Outputs that are not there are zeros.
template <class Lanes, typename Element>
void PackPointwise(int64_t in, int64_t out, const Element* weight, Element* packed) {
  for (int64_t left = VectorsOf<Lanes>(out), first = 0; left > 0;) {
    const int vectors = PanelOf<Lanes::kMostVectors>(left);
    const int64_t width = vectors * Lanes::kLanes;
    const int64_t there = out - first < width ? out - first : width;
    for (int64_t i = 0; i < in; i += Lanes::kInputsPerDot, packed += width * Lanes::kInputsPerDot) {
      const Element* const from = weight + i * out + first;
      for (int64_t t = 0; t < Lanes::kInputsPerDot; ++t) {
        for (int64_t o = 0; o < there; ++o)
          packed[o * Lanes::kInputsPerDot + t] = from[t * out + o];
        for (int64_t o = there; o < width; ++o) packed[o * Lanes::kInputsPerDot + t] = 0;
      }
    }
    first += width;
    left -= vectors;
  }
}

#if defined(__AVX512BF16__)
using KernelLanes = PairLanes16;
using Element = uint16_t;
#elif defined(__AVX512F__)
using KernelLanes = FloatLanes16;
using Element = float;
#else
using KernelLanes = FloatLanes8;
using Element = float;
#endif

constexpr PointwiseKernel<Element> kKernel{PackPointwise<KernelLanes, Element>,
                                           RunPointwise<KernelLanes, Element>};

}  // namespace

}  // namespace torchgraft
