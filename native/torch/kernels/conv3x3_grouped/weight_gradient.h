#pragma once

// The body of grouped_conv.h's weight gradient. Inputs and output gradients are packed as in
// pack.h; the sums of three taps × some inputs × a vector of outputs stay in registers
// while they run through the rows.

#include "torch/kernels/conv3x3_grouped/pack.h"

namespace torchgraft {

namespace {

// The taps of one ky over a row. Input x is multiplied by the gradients of outputs x + 1 (tap 0),
// x (tap 1) and x − 1 (tap 2); those of x = −1 and x = width by zeros alone. dy begins with a pixel
// of zeros.
template <class Lanes, int kInputs>
inline __attribute__((always_inline)) void SumRow1(const float* x, const float* dy, int64_t dy_step,
                                                   int64_t width, Lanes sums[3][kInputs]) {
  auto before = Lanes::LoadWeights(dy);
  auto at = Lanes::LoadWeights(dy + dy_step);
  for (int64_t i = 0; i < width; ++i) {
    x += kSlab;
    const auto after = Lanes::LoadWeights(dy + (i + 2) * dy_step);
#pragma GCC unroll 8
    for (int c = 0; c < kInputs; ++c) {
      const auto pixel = Lanes::Broadcast(x + c);
      sums[0][c].Add(after, pixel);
      sums[1][c].Add(at, pixel);
      sums[2][c].Add(before, pixel);
    }
    before = at;
    at = after;
  }
}

// Of stride 2: output x reads the padded inputs 2x, 2x + 1 and 2x + 2.
template <class Lanes, int kInputs>
inline __attribute__((always_inline)) void SumRow2(const float* x, const float* dy, int64_t dy_step,
                                                   int64_t out_width, Lanes sums[3][kInputs]) {
  auto before = Lanes::Zero();
  for (int64_t i = 0; i < out_width; ++i) {
    const auto at = Lanes::LoadWeights(dy + (i + 1) * dy_step);
#pragma GCC unroll 8
    for (int c = 0; c < kInputs; ++c) {
      const auto even = Lanes::Broadcast(x + 2 * i * kSlab + c);
      sums[0][c].Add(at, even);
      sums[2][c].Add(before, even);
      sums[1][c].Add(at, Lanes::Broadcast(x + (2 * i + 1) * kSlab + c));
    }
    before = at;
  }
#pragma GCC unroll 8
  for (int c = 0; c < kInputs; ++c)
    sums[2][c].Add(before, Lanes::Broadcast(x + 2 * out_width * kSlab + c));
}

// Sums as [group][slab of outputs][slab of inputs][ky][input][kx][output].
template <class Lanes, int kInputs>
void WeightGradient(const GroupedConv& conv, const GradientRows<float>& piece) {
  static_assert(Lanes::kLanes == kSlab);
  const float* const x = piece.x;
  const float* const dy = piece.dy;
  const int64_t begin = piece.begin, end = piece.end;
  float* const scratch = piece.scratch;
  float* sums = piece.sums;
  const int64_t rows = end - begin;
  const int64_t x_rows = (rows - 1) * conv.stride + 3;
  const int64_t x_width = conv.width + 3;
  const int64_t dy_width = conv.out_width + 2;
  float* const packed_x = scratch;
  const int64_t x_step = SlabStep(x_rows, x_width);
  const int64_t dy_step = SlabStep(rows, dy_width);
  float* const packed_dy = scratch + conv.channels / kSlab * x_step;
  PackRows<Lanes>({conv.height, conv.width, conv.channels}, x, begin * conv.stride - 1, x_rows,
                  x_width, /*left=*/1, packed_x);
  PackRows<Lanes>({conv.out_height, conv.out_width, conv.channels}, dy, begin, rows, dy_width,
                  /*left=*/1, packed_dy);
  const int64_t slabs = conv.group_width / kSlab;
  const int64_t parts = conv.channels / kSlab * slabs * 3;
  PrefetchAhead next_x(x + (begin * conv.stride - 1 + x_rows) * conv.width * conv.channels,
                       rows * conv.stride * conv.width * conv.channels, parts);
  PrefetchAhead next_dy(dy + end * conv.out_width * conv.channels,
                        rows * conv.out_width * conv.channels, parts);
  for (int64_t out = 0; out < conv.channels / kSlab; ++out) {
    const float* const dy_slab = packed_dy + out * dy_step;
    for (int64_t in = out / slabs * slabs; in < (out / slabs + 1) * slabs; ++in) {
      const float* const x_slab = packed_x + in * x_step;
      for (int64_t ky = 0; ky < 3; ++ky) {
        next_x.Parts(1);
        next_dy.Parts(1);
        for (int64_t c = 0; c < kSlab; c += kInputs, sums += 3 * kInputs * kSlab) {
          Lanes total[3][kInputs];
#pragma GCC unroll 32
          for (int i = 0; i < 3 * kInputs; ++i) total[i / kInputs][i % kInputs] = Lanes::Zero();
          for (int64_t r = 0; r < rows; ++r) {
            const float* const x_row = x_slab + (r * conv.stride + ky) * x_width * kSlab + c;
            const float* const dy_row = dy_slab + r * dy_width * kSlab;
            if (conv.stride == 1)
              SumRow1<Lanes, kInputs>(x_row, dy_row, kSlab, conv.width, total);
            else
              SumRow2<Lanes, kInputs>(x_row, dy_row, kSlab, conv.out_width, total);
          }
#pragma GCC unroll 32
          for (int i = 0; i < 3 * kInputs; ++i) total[i % 3][i / 3].AddTo(sums + i * kSlab);
        }
      }
    }
  }
}

// Sums as [slab of outputs][slab of inputs][ky][input][kx][output], of copies that were each summed
// in float, are added in double: those of groups from `begin` to before `end`.
template <typename Element, typename Round>
void UnpackGradient(const GroupedConv& conv, const SumsToUnpack<Element>& from,
                    const Round& round) {
  const int64_t count = conv.channels * conv.group_width * 9;
  const WeightSteps steps = from.steps;
  const int64_t begin = from.begin, end = from.end, copies = from.copies;
  Element* const dweight = from.dweight;
  const float* sums = from.sums + begin * conv.group_width * conv.group_width * 9;
  for (int64_t out = begin * conv.group_width; out < end * conv.group_width; out += kSlab) {
    for (int64_t in = 0; in < conv.group_width; in += kSlab) {
      for (int64_t i = 0; i < 3 * kSlab * 3 * kSlab; ++i, ++sums) {
        double sum = 0;
        for (int64_t copy = 0; copy < copies; ++copy) sum += sums[copy * count];
        const int64_t o = i % kSlab, kx = i / kSlab % 3, c = i / (3 * kSlab) % kSlab;
        const int64_t ky = i / (3 * kSlab * kSlab);
        dweight[(out + o) * steps.out + (in + c) * steps.in + ky * steps.ky + kx * steps.kx] =
            round(sum);
      }
    }
  }
}

}  // namespace

}  // namespace torchgraft
