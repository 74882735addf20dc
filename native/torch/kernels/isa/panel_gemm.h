#pragma once

// The micro-kernel of convolutions that sum in registers (conv1x1/pointwise_body.h,
// conv3x3_grouped/register_rows.h): kPixels pixels × a panel of kVectors vectors of outputs. Lanes
// is one of isa/lanes_*.h. For kernels' bodies: see vec.h.

#include <cstdint>

namespace torchgraft {

namespace {

// Vectors of outputs in the next panel, of those that are left: kMost, or fewer where kMost would
// leave a single one over.
template <int kMost>
int PanelOf(int64_t vectors_left) {
  if (vectors_left <= kMost) return static_cast<int>(vectors_left);
  return vectors_left == kMost + 1 ? (kMost + 2) / 2 : kMost;
}

// Adds the products of as many inputs as one dot product takes. Weights lie as [vector][lane]
// [input], pixels `x_step` elements apart.
template <class Lanes, int kPixels, int kVectors, typename Element>
inline __attribute__((always_inline)) void AddInputs(const Element* w, const Element* x,
                                                     int64_t x_step,
                                                     Lanes (&sums)[kPixels][kVectors]) {
  decltype(Lanes::LoadWeights(w)) weights[kVectors];
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j)
    weights[j] = Lanes::LoadWeights(w + j * Lanes::kLanes * Lanes::kInputsPerDot);
#pragma GCC unroll 32
  for (int p = 0; p < kPixels; ++p) {
    const auto pixel = Lanes::Broadcast(x + p * x_step);
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sums[p][j].Add(weights[j], pixel);
  }
}

}  // namespace

}  // namespace torchgraft
