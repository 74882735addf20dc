#pragma once

// The body of grouped_conv.h's kernels for outputs and data gradients, compiled for each CpuLevel.
// A block of some pixels × some lanes of outputs stays in registers while it runs through the taps
// and slabs of packed rows.

#include "torch/kernels/conv3x3_grouped/pack.h"

namespace torchgraft {

namespace {

// What a row of outputs sums over: for each slab of the group, some of the nine taps.
struct Taps {
  int64_t slabs;
  int64_t x_slab, w_slab;  // steps in elements from a slab to the next
  int count;
  int64_t x[9], w[9];           // where each tap's pixels and weights begin
  const float* bias = nullptr;  // of the outputs
  bool relu = false;
};

// kPanel vectors of outputs of kPixels pixels that read kStep elements apart.
template <class Lanes, int kPanel, int kPixels, int kStep, typename Element>
inline __attribute__((always_inline)) void Block(const Taps& taps, const Element* x,
                                                 const Element* w, Element* y, int64_t y_step) {
  Lanes sums[kPixels][kPanel];
#pragma GCC unroll 4
  for (int j = 0; j < kPanel; ++j) {
    const Lanes first =
        taps.bias == nullptr ? Lanes::Zero() : Lanes::Load(taps.bias + j * Lanes::kLanes);
#pragma GCC unroll 32
    for (int p = 0; p < kPixels; ++p) sums[p][j] = first;
  }
  for (int64_t s = 0; s < taps.slabs; ++s, x += taps.x_slab, w += taps.w_slab) {
    for (int k = 0; k < taps.count; ++k) {
      const Element* const xk = x + taps.x[k];
      const Element* const wk = w + taps.w[k];
#pragma GCC unroll 8
      for (int i = 0; i < kSlab; i += Lanes::kInputsPerDot)
        AddInputs<Lanes>(wk + i * kPanel * Lanes::kLanes, xk + i, kStep, sums);
    }
  }
  if (taps.relu) {
#pragma GCC unroll 32
    for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 4
      for (int j = 0; j < kPanel; ++j) sums[p][j].Relu();
  }
#pragma GCC unroll 32
  for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 4
    for (int j = 0; j < kPanel; ++j) sums[p][j].Store(y + p * y_step + j * Lanes::kLanes);
}

template <class Lanes, int kPanel, int kPixels, int kStep, typename Element>
void BlockOf(int64_t pixels, const Taps& taps, const Element* x, const Element* w, Element* y,
             int64_t y_step) {
  if constexpr (kPixels > 0) {
    if (pixels == kPixels)
      Block<Lanes, kPanel, kPixels, kStep>(taps, x, w, y, y_step);
    else
      BlockOf<Lanes, kPanel, kPixels - 1, kStep>(pixels, taps, x, w, y, y_step);
  }
}

// A row of outputs, in blocks as equal as can be.
template <class Lanes, int kPanel, int kStep, typename Element>
void Row(int64_t pixels, const Taps& taps, const Element* x, const Element* w, Element* y,
         int64_t y_step) {
  constexpr int kMost = Lanes::MostPixels(kPanel);
  const int64_t blocks = (pixels + kMost - 1) / kMost;
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t begin = pixels * b / blocks;
    BlockOf<Lanes, kPanel, kMost, kStep>(pixels * (b + 1) / blocks - begin, taps, x + begin * kStep,
                                         w, y + begin * y_step, y_step);
  }
}

template <class Lanes, int kStep, typename Element>
void RowOfPanel(int panel, int64_t pixels, const Taps& taps, const Element* x, const Element* w,
                Element* y, int64_t y_step) {
  if (panel == 3)
    Row<Lanes, 3, kStep>(pixels, taps, x, w, y, y_step);
  else if (panel == 2)
    Row<Lanes, 2, kStep>(pixels, taps, x, w, y, y_step);
  else
    Row<Lanes, 1, kStep>(pixels, taps, x, w, y, y_step);
}

// Fetches what a row's panels will be written to while the row before is computed.
template <typename Element>
void FetchRow(const Element* row, int64_t pixels, int64_t step) {
  for (int64_t i = 0; i < pixels; ++i) __builtin_prefetch(row + i * step, /*rw=*/1);
}

// Calls function(panel, first channel of its outputs, its packed weights) for all panels, two of
// them together: outputs of 8 lanes are half a cache line.
template <class Lanes, typename Element, typename Function>
void ForPairsOfPanels(const GroupedConv& conv, const Element* packed, int64_t begin, int64_t end,
                      const Function& function) {
  struct Panel {
    int vectors;
    int64_t first;
    const Element* weights;
  };
  Panel pair[2];
  int filled = 0;
  const auto run = [&] {
    for (int64_t row = begin; row < end; ++row)
      for (int i = 0; i < filled; ++i)
        function(row, pair[i].vectors, pair[i].first, pair[i].weights);
    filled = 0;
  };
  for (int64_t group = 0; group < conv.channels; group += conv.group_width) {
    for (int64_t first = 0; first < conv.group_width;) {
      const int vectors = PanelOf<kMostPanel>((conv.group_width - first) / Lanes::kLanes);
      pair[filled++] = {vectors, group + first, packed};
      if (filled == 2) run();
      packed += conv.group_width * 9 * vectors * Lanes::kLanes;
      first += vectors * Lanes::kLanes;
    }
  }
  run();
}

// Rows of outputs from rows of inputs; or, mirrored, of a data gradient of stride 1 from those of
// the output's gradient.
template <class Lanes, int kStride, typename Element>
void ConvolveRows(const GroupedConv& conv, bool mirrored, const ConvRows<Element>& rows) {
  const int64_t begin = rows.begin, end = rows.end;
  const int64_t packed_rows = (end - begin - 1) * kStride + 3;
  const int64_t padded = conv.width + 2;
  PackRows<Lanes>({conv.height, conv.width, conv.channels}, rows.from, begin * kStride - 1,
                  packed_rows, padded, /*left=*/1, rows.scratch);
  const int64_t x_row = conv.width * conv.channels;
  PrefetchAhead next(rows.from + (begin * kStride - 1 + packed_rows) * x_row,
                     (end - begin) * kStride * x_row,
                     (end - begin) * conv.channels / Lanes::kLanes);
  const auto run = [&](int64_t row, int panel, int64_t first, const Element* weights) {
    const int64_t tap = kSlab * panel * Lanes::kLanes;
    Taps taps{conv.group_width / kSlab, SlabStep(packed_rows, padded), 9 * tap, 9, {}, {}};
    if (conv.bias != nullptr) taps.bias = conv.bias + first;
    taps.relu = conv.relu;
    for (int k = 0; k < 9; ++k) {
      taps.x[k] = ((row - begin) * kStride + k / 3) * padded * kSlab + k % 3 * kSlab;
      taps.w[k] = (mirrored ? 8 - k : k) * tap;
    }
    const Element* const from = rows.scratch + first / conv.group_width * taps.slabs * taps.x_slab;
    Element* const to = rows.to + row * conv.out_width * conv.channels + first;
    next.Parts(panel);
    if (row + 1 < end) FetchRow(to + conv.out_width * conv.channels, conv.out_width, conv.channels);
    RowOfPanel<Lanes, kStride * kSlab>(panel, conv.out_width, taps, from, weights, to,
                                       conv.channels);
  };
  ForPairsOfPanels<Lanes>(conv, rows.packed, begin, end, run);
}

template <class Lanes, typename Element>
void Forward(const GroupedConv& conv, const ConvRows<Element>& rows) {
  conv.stride == 1 ? ConvolveRows<Lanes, 1>(conv, /*mirrored=*/false, rows)
                   : ConvolveRows<Lanes, 2>(conv, /*mirrored=*/false, rows);
}

// Appends the taps that contribute to an input's pixel at `row`, and at a column that is odd or
// not, from packed rows of dy of which the first is `begin`.
void AddParityTaps(int64_t row, int64_t odd, int64_t begin, int64_t padded, int64_t tap,
                   Taps& taps) {
  for (int64_t ky = 2; ky >= 0; --ky) {
    if ((row - ky + 1) % 2 != 0) continue;
    for (int64_t kx = 2; kx >= 0; --kx) {
      if ((odd - kx + 1) % 2 != 0) continue;
      const int64_t y = (row - ky + 1) / 2 - begin;
      taps.x[taps.count] = (y * padded + (odd - kx + 1) / 2) * kSlab;
      taps.w[taps.count++] = (ky * 3 + kx) * tap;
    }
  }
}

// Of stride 2: to an input row or column that is even the middle tap alone contributes, to an odd
// one the tap after it of one output and the tap before it of the next. So four sub-convolutions,
// by parity.
template <class Lanes, typename Element>
void StridedDataGradientRows(const GroupedConv& conv, const ConvRows<Element>& rows) {
  const int64_t begin = rows.begin, end = rows.end;
  const int64_t packed_rows = end - begin + 1;
  const int64_t padded = conv.out_width + 1;
  PackRows<Lanes>({conv.out_height, conv.out_width, conv.channels}, rows.from, begin, packed_rows,
                  padded, /*left=*/0, rows.scratch);
  const int64_t last = 2 * end < conv.height ? 2 * end : conv.height;
  const int64_t dy_row = conv.out_width * conv.channels;
  PrefetchAhead next(rows.from + (begin + packed_rows) * dy_row, (end - begin) * dy_row,
                     (last - 2 * begin) * conv.channels / Lanes::kLanes);
  const auto run = [&](int64_t row, int panel, int64_t first, const Element* weights) {
    const int64_t tap = kSlab * panel * Lanes::kLanes;
    const int64_t slabs = conv.group_width / kSlab;
    const int64_t x_slab = SlabStep(packed_rows, padded);
    const Element* const from = rows.scratch + first / conv.group_width * slabs * x_slab;
    Element* const to = rows.to + row * conv.width * conv.channels + first;
    next.Parts(panel);
    if (row + 1 < last) FetchRow(to + conv.width * conv.channels, conv.width, conv.channels);
    for (int64_t odd = 0; odd < 2; ++odd) {
      Taps taps{slabs, x_slab, 9 * tap, 0, {}, {}};
      AddParityTaps(row, odd, begin, padded, tap, taps);
      RowOfPanel<Lanes, kSlab>(panel, (conv.width + 1 - odd) / 2, taps, from, weights,
                               to + odd * conv.channels, 2 * conv.channels);
    }
  };
  ForPairsOfPanels<Lanes>(conv, rows.packed, 2 * begin, last, run);
}

template <class Lanes, typename Element>
void DataGradient(const GroupedConv& conv, const ConvRows<Element>& rows) {
  conv.stride == 1 ? ConvolveRows<Lanes, 1>(conv, /*mirrored=*/true, rows)
                   : StridedDataGradientRows<Lanes>(conv, rows);
}

}  // namespace

}  // namespace torchgraft
