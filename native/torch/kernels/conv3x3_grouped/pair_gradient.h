#pragma once

// The weight gradient of grouped_conv.h where an instruction takes two products at once: here those
// of two pixels. Inputs are packed as pairs of pixels, output gradients as a pair for each pixel
// and the one after it, so that every shift by a tap finds its pairs.

#include "torch/kernels/conv3x3_grouped/weight_gradient.h"

namespace torchgraft {

namespace {

constexpr int64_t kPair = 2 * kSlab;  // elements

// Pixels as PackedPixels reads them: `count` in a row, zeros outside.
struct PixelRow {
  const uint16_t* first;  // nullptr: all zeros
  int64_t count, channels;
};

// Which pixels of a row are packed as pairs, and where: the i-th of `count` pairs is of the pixels
// begin + i · step and `gap` after it, and goes pair_step · i elements on; the next slab of
// channels goes slab_step elements on.
struct PairLayout {
  int64_t begin, step, gap, count;
  int64_t pair_step, slab_step;
};

template <typename Interleave>
void PackPairs(const PixelRow& row, const PairLayout& pairs, const Interleave& interleave,
               uint16_t* to) {
  static constexpr uint16_t kZeros[kSlab] = {};
  for (int64_t i = 0; i < pairs.count; ++i, to += pairs.pair_step) {
    const int64_t a = pairs.begin + i * pairs.step;
    const int64_t b = a + pairs.gap;
    const bool has_a = row.first != nullptr && a >= 0 && a < row.count;
    const bool has_b = row.first != nullptr && b >= 0 && b < row.count;
    const uint16_t* const from_a = has_a ? row.first + a * row.channels : kZeros;
    const uint16_t* const from_b = has_b ? row.first + b * row.channels : kZeros;
    const int64_t move_a = has_a ? kSlab : 0;
    const int64_t move_b = has_b ? kSlab : 0;
    for (int64_t s = 0; s < row.channels / kSlab; ++s)
      interleave(from_a + s * move_a, from_b + s * move_b, to + s * pairs.slab_step);
  }
}

// Of stride 1: the padded inputs q and q + 1, q even, are multiplied by the outputs q − kx and
// q − kx + 1.
template <class Lanes>
inline __attribute__((always_inline)) void SumPairs1(const uint16_t* x, const uint16_t* dy,
                                                     int64_t pairs, Lanes sums[3][kSlab]) {
  auto before = Lanes::LoadWeights(dy);
  for (int64_t i = 0; i < pairs; ++i, x += kPair, dy += 2 * kPair) {
    const auto middle = Lanes::LoadWeights(dy + kPair);
    const auto at = Lanes::LoadWeights(dy + 2 * kPair);
#pragma GCC unroll 8
    for (int c = 0; c < kSlab; ++c) {
      const auto pixels = Lanes::Broadcast(x + 2 * c);
      sums[0][c].Add(at, pixels);
      sums[1][c].Add(middle, pixels);
      sums[2][c].Add(before, pixels);
    }
    before = at;
  }
}

// Of stride 2: of the padded inputs, two even ones are multiplied by the outputs k and k + 1
// (tap 0) and k − 1 and k (tap 2), two odd ones by k and k + 1 (tap 1).
template <class Lanes>
inline __attribute__((always_inline)) void SumPairs2(const uint16_t* x, const uint16_t* dy,
                                                     int64_t pairs, Lanes sums[3][kSlab]) {
  for (int64_t i = 0; i < pairs; ++i, x += 2 * kPair, dy += 2 * kPair) {
    const auto before = Lanes::LoadWeights(dy + kPair);
    const auto at = Lanes::LoadWeights(dy + 2 * kPair);
#pragma GCC unroll 8
    for (int c = 0; c < kSlab; ++c) {
      const auto even = Lanes::Broadcast(x + 2 * c);
      sums[0][c].Add(at, even);
      sums[2][c].Add(before, even);
      sums[1][c].Add(at, Lanes::Broadcast(x + kPair + 2 * c));
    }
  }
}

// Sums as WeightGradient has them.
template <class Lanes, typename Interleave>
void PairGradient(const GroupedConv& conv, const GradientRows<uint16_t>& piece,
                  const Interleave& interleave) {
  static_assert(Lanes::kLanes == kSlab);
  const uint16_t* const x = piece.x;
  const uint16_t* const dy = piece.dy;
  const int64_t begin = piece.begin;
  uint16_t* const scratch = piece.scratch;
  float* sums = piece.sums;
  const int64_t rows = piece.end - begin;
  const int64_t x_rows = (rows - 1) * conv.stride + 3;
  const int64_t pairs = conv.stride == 1 ? (conv.width + 3) / 2 : (conv.out_width + 2) / 2;
  const int64_t x_row = pairs * conv.stride * kPair;
  const int64_t dy_pairs = 2 * pairs + 1;  // from outputs −2 and −1 on
  const int64_t dy_row = dy_pairs * kPair;
  uint16_t* const packed_x = scratch;
  uint16_t* const packed_dy = scratch + x_rows * x_row * (conv.channels / kSlab);
  for (int64_t r = 0; r < x_rows; ++r) {
    const int64_t y = begin * conv.stride - 1 + r;
    const bool outside = y < 0 || y >= conv.height;
    const PixelRow row{outside ? nullptr : x + y * conv.width * conv.channels, conv.width,
                       conv.channels};
    for (int64_t odd = 0; odd < conv.stride; ++odd)
      PackPairs(row,
                {.begin = odd - 1,
                 .step = 2 * conv.stride,
                 .gap = conv.stride,
                 .count = pairs,
                 .pair_step = conv.stride * kPair,
                 .slab_step = x_rows * x_row},
                interleave, packed_x + r * x_row + odd * kPair);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const PixelRow row{dy + (begin + r) * conv.out_width * conv.channels, conv.out_width,
                       conv.channels};
    PackPairs(row,
              {.begin = -2,
               .step = 1,
               .gap = 1,
               .count = dy_pairs,
               .pair_step = kPair,
               .slab_step = rows * dy_row},
              interleave, packed_dy + r * dy_row);
  }
  const int64_t slabs = conv.group_width / kSlab;
  for (int64_t out = 0; out < conv.channels / kSlab; ++out) {
    for (int64_t in = out / slabs * slabs; in < (out / slabs + 1) * slabs; ++in) {
      for (int64_t ky = 0; ky < 3; ++ky, sums += 3 * kSlab * kSlab) {
        Lanes total[3][kSlab];
#pragma GCC unroll 32
        for (int i = 0; i < 3 * kSlab; ++i) total[i / kSlab][i % kSlab] = Lanes::Zero();
        for (int64_t r = 0; r < rows; ++r) {
          const uint16_t* const from = packed_x + (in * x_rows + r * conv.stride + ky) * x_row;
          const uint16_t* const with = packed_dy + (out * rows + r) * dy_row;
          if (conv.stride == 1)
            SumPairs1<Lanes>(from, with, pairs, total);
          else
            SumPairs2<Lanes>(from, with, pairs, total);
        }
#pragma GCC unroll 32
        for (int i = 0; i < 3 * kSlab; ++i) total[i % 3][i / 3].AddTo(sums + i * kSlab);
      }
    }
  }
}

}  // namespace

}  // namespace torchgraft
