#pragma once

// Outputs and data gradients of grouped_conv.h by tiles: 16 pixels × 16 channels of sums.

#include "grouped_conv_columns.h"
#include "grouped_conv_pack.h"

namespace torchgraft {

namespace {

constexpr int64_t kSums = kTileRows * kTileFloats;
constexpr int64_t kBlocks = 4;  // tiles of sums at a time: a product waits for one three before it

// Where outputs go: places in a grid, met in their order.
class Places {
 public:
  explicit Places(const Grid& grid) : grid_(grid) {}

  // Calls function(i, picture, row, x, count) for each run of outputs of the next `count` places.
  template <typename Function>
  void Next(int64_t count, const Function& function) {
    for (int64_t i = 0; i < count;) {
      const int64_t run = count - i < grid_.pitch - x_ ? count - i : grid_.pitch - x_;
      const int64_t outputs = run < grid_.width - x_ ? run : grid_.width - x_;
      if (row_ < grid_.rows && picture_ < grid_.pictures && outputs > 0)
        function(i, picture_, row_, x_, outputs);
      i += run;
      x_ += run;
      if (x_ < grid_.pitch) continue;
      x_ = 0;
      if (++row_ <= grid_.rows) continue;
      row_ = 0;
      ++picture_;
    }
  }

 private:
  const Grid& grid_;
  int64_t picture_ = 0, row_ = 0, x_ = 0;
};

// What becomes of a column's sums.
struct Ending {
  __mmask16 channels;
  __m512 bias;
  __m512 least;  // 0 for a ReLU

  Ending(const GroupedConv& conv, int64_t column) {
    const int64_t left = conv.channels - column * kColumn;
    channels = static_cast<__mmask16>(left < kColumn ? (1 << left) - 1 : 0xffff);
    bias = conv.bias == nullptr ? _mm512_setzero_ps()
                                : _mm512_maskz_loadu_ps(channels, conv.bias + column * kColumn);
    least = _mm512_set1_ps(conv.relu ? 0 : -__builtin_inff());
  }

  // `ahead` of what is written is fetched.
  void Store(const float* sums, int64_t pixels, int64_t step, int64_t ahead, uint16_t* to) const {
    for (int64_t i = 0; i < pixels; ++i, sums += kTileFloats, to += step) {
      __builtin_prefetch(to + ahead, /*rw=*/1);
      const __m512 sum = _mm512_max_ps(least, _mm512_add_ps(_mm512_load_ps(sums), bias));
      _mm256_mask_storeu_epi16(to, channels, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(sum)));
    }
  }
};

// Of a column of outputs and those that it meets.
struct Meeting {
  const uint16_t* weights;
  int64_t columns;
  int64_t column;        // in elements, from one to the next
  int64_t taps[kTiles];  // where each tile of weights begins to read
  int64_t pixel;         // bytes from a pixel's place to the next
};

// kCount tiles of outputs that follow each other.
template <int kCount>
inline __attribute__((always_inline)) void SumTiles(const Meeting& meeting, const uint16_t* x,
                                                    float* sums) {
  const int64_t step = meeting.pixel;
  const int64_t tile = step / 2 * kTileRows;
  const uint16_t* w = meeting.weights;
  _tile_zero(0);
  if constexpr (kCount > 1) _tile_zero(1);
  if constexpr (kCount > 2) _tile_zero(2);
  if constexpr (kCount > 3) _tile_zero(3);
  for (int64_t c = 0; c < meeting.columns; ++c, x += meeting.column) {
#pragma GCC unroll 6
    for (int t = 0; t < kTiles; ++t, w += kTileWeights) {
      const uint16_t* const from = x + meeting.taps[t];
      _tile_loadd(4, w, kTileBytes);
      _tile_loadd(5, from, step);
      _tile_dpbf16ps(0, 5, 4);
      if constexpr (kCount > 1) {
        _tile_loadd(6, from + tile, step);
        _tile_dpbf16ps(1, 6, 4);
      }
      if constexpr (kCount > 2) {
        _tile_loadd(7, from + 2 * tile, step);
        _tile_dpbf16ps(2, 7, 4);
      }
      if constexpr (kCount > 3) {
        _tile_loadd(5, from + 3 * tile, step);
        _tile_dpbf16ps(3, 5, 4);
      }
    }
  }
  _tile_stored(0, sums, kTileBytes);
  if constexpr (kCount > 1) _tile_stored(1, sums + kSums, kTileBytes);
  if constexpr (kCount > 2) _tile_stored(2, sums + 2 * kSums, kTileBytes);
  if constexpr (kCount > 3) _tile_stored(3, sums + 3 * kSums, kTileBytes);
}

inline void SumBlocks(int64_t count, const Meeting& meeting, const uint16_t* x, float* sums) {
  if (count == 4)
    SumTiles<4>(meeting, x, sums);
  else if (count == 3)
    SumTiles<3>(meeting, x, sums);
  else if (count == 2)
    SumTiles<2>(meeting, x, sums);
  else
    SumTiles<1>(meeting, x, sums);
}

// Outputs of rows of x; or the data gradient of stride 1, of those of dy.
inline void TileRows(const GroupedConv& conv, const uint16_t* x, const uint16_t* packed,
                     int64_t begin, int64_t end, uint16_t* scratch, uint16_t* y) {
  const Grid grid(conv, end - begin);
  const int64_t stride = conv.stride;
  const ColumnSizes sizes(grid, stride);
  const int64_t x_rows = (grid.rows - 1) * stride + 3;
  const RowsOf rows{conv.height,        conv.width, conv.channels, grid.pictures,
                    begin * stride - 1, x_rows,     /*left=*/1};
  if (!PackColumns(rows, sizes, stride, x, scratch)) return GiveUp(conv);
  Meeting meeting{packed, 0, sizes.column * kColumn, {}, stride * kColumn * 2};
  for (int t = 0; t < kTiles; ++t) {
    const int64_t ky = t / 2;
    const int64_t row = ky % stride * sizes.plane + ky / stride * sizes.row;
    meeting.taps[t] = (row + t % 2 * 2) * kColumn;
  }
  const int64_t tiles = (grid.Count() + kTileRows - 1) / kTileRows;
  const int64_t x_row = conv.width * conv.channels;
  FetchAhead next(x + (begin * stride - 1 + x_rows + (grid.pictures - 1) * conv.height) * x_row,
                  grid.pictures * grid.rows * stride * x_row, Columns(conv) * tiles);
  BeforeTiles();
  const WholeTiles whole;
  alignas(64) float sums[kBlocks * kSums];
  for (int64_t column = 0; column < Columns(conv); ++column) {
    const Reach reach(conv, column);
    const Ending ending(conv, column);
    meeting.columns = reach.Count();
    const uint16_t* const from = scratch + reach.first * meeting.column;
    Places places(grid);
    for (int64_t tile = 0; tile < tiles; tile += kBlocks) {
      const int64_t count = tiles - tile < kBlocks ? tiles - tile : kBlocks;
      SumBlocks(count, meeting, from + tile * kTileRows * stride * kColumn, sums);
      next.Parts(count);
      places.Next(count * kTileRows, [&](int64_t i, int64_t picture, int64_t row, int64_t at,
                                         int64_t pixels) {
        uint16_t* const to =
            y + ((picture * conv.out_height + begin + row) * conv.out_width + at) * conv.channels;
        ending.Store(sums + i * kTileFloats, pixels, conv.channels,
                     kBlocks * kTileRows * conv.channels, to + column * kColumn);
      });
    }
    meeting.weights += meeting.columns * kTiles * kTileWeights;
  }
}

// 16 places of dy make four tiles of dx: of even and odd rows and columns.
inline __attribute__((always_inline)) void SpreadTiles(const Meeting& meeting, const uint16_t* dy,
                                                       float* sums) {
  const int64_t step = meeting.pixel;
  const uint16_t* w = meeting.weights;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t c = 0; c < meeting.columns; ++c, dy += meeting.column, w += kTiles * kTileWeights) {
    _tile_loadd(4, dy + meeting.taps[0], step);
    _tile_loadd(6, w, kTileBytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, w + kTileWeights, kTileBytes);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(6, w + 2 * kTileWeights, kTileBytes);
    _tile_dpbf16ps(2, 4, 6);
    _tile_loadd(7, w + 4 * kTileWeights, kTileBytes);
    _tile_dpbf16ps(3, 4, 7);
    _tile_loadd(5, dy + meeting.taps[1], step);
    _tile_loadd(6, w + 3 * kTileWeights, kTileBytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_loadd(7, w + 5 * kTileWeights, kTileBytes);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums, kTileBytes);
  _tile_stored(1, sums + kSums, kTileBytes);
  _tile_stored(2, sums + 2 * kSums, kTileBytes);
  _tile_stored(3, sums + 3 * kSums, kTileBytes);
}

// The data gradient of stride 2.
inline void SpreadTileRows(const GroupedConv& conv, const uint16_t* dy, const uint16_t* packed,
                           int64_t begin, int64_t end, uint16_t* scratch, uint16_t* dx) {
  const Grid grid(conv, end - begin);
  const ColumnSizes sizes(grid, /*step=*/1);
  const RowsOf rows{conv.out_height, conv.out_width, conv.channels, grid.pictures,
                    begin,           grid.rows + 1,  /*left=*/0};
  if (!PackColumns(rows, sizes, /*planes=*/1, dy, scratch)) return GiveUp(conv);
  Meeting meeting{packed, 0, sizes.column * kColumn, {0, sizes.row * kColumn}, kColumn * 2};
  const int64_t tiles = (grid.Count() + kTileRows - 1) / kTileRows;
  const int64_t dy_row = conv.out_width * conv.channels;
  FetchAhead next(dy + (begin + grid.rows + 1 + (grid.pictures - 1) * grid.rows) * dy_row,
                  grid.pictures * grid.rows * dy_row, Columns(conv) * tiles);
  BeforeTiles();
  const WholeTiles whole;
  alignas(64) float sums[4 * kSums];
  for (int64_t column = 0; column < Columns(conv); ++column) {
    const Reach reach(conv, column);
    const Ending ending(conv, column);
    meeting.columns = reach.Count();
    const uint16_t* const from = scratch + reach.first * meeting.column;
    Places places(grid);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      SpreadTiles(meeting, from + tile * kTileRows * kColumn, sums);
      next.Parts(1);
      places.Next(kTileRows, [&](int64_t i, int64_t picture, int64_t row, int64_t at,
                                 int64_t pixels) {
        for (int64_t odd = 0; odd < 4; ++odd) {
          const int64_t y = 2 * (begin + row) + odd / 2;
          const int64_t x = 2 * at + odd % 2;
          const bool cut = x + 2 * (pixels - 1) >= conv.width;  // there is no last odd column
          if (y >= conv.height) break;
          uint16_t* const to = dx + ((picture * conv.height + y) * conv.width + x) * conv.channels;
          ending.Store(sums + odd * kSums + i * kTileFloats, pixels - cut, 2 * conv.channels,
                       2 * kTileRows * conv.channels, to + column * kColumn);
        }
      });
    }
    meeting.weights += meeting.columns * kTiles * kTileWeights;
  }
}

}  // namespace

}  // namespace torchgraft
