#pragma once

// Outputs and data gradients of grouped_conv.h by tiles, four at a time of 16 places × 16 channels
// of sums. What four have come to is rounded and stored while the next four are summed: the one
// keeps tiles busy, the other vectors.

#include "grouped_conv_columns.h"
#include "grouped_conv_drain.h"

namespace torchgraft {

namespace {

// Of a column of outputs and those that it meets.
struct Meeting {
  const uint16_t* weights;
  int64_t columns;
  int64_t column;   // in elements, from one to the next
  int64_t taps[6];  // where tiles begin to read
};

constexpr int64_t kPairBytes = 2 * kColumn * 2;  // of two pixels

// Of stride 1: one or two blocks of 32 places, each a tile of the even and one of the odd ones.
template <bool kTwo, class Sink>
inline __attribute__((always_inline)) void SumPairs(const Meeting& meeting, const uint16_t* x,
                                                    FetchSteadily& next, Sink& drain, float* sums) {
  constexpr int64_t kBlock = 2 * kTileRows * kColumn;
  const uint16_t* w = meeting.weights;
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (kTwo) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t c = 0; c < meeting.columns; ++c, x += meeting.column) {
#pragma GCC unroll 6
    for (int t = 0; t < 6; ++t) {
      const uint16_t* const from = x + meeting.taps[t];
      next.Step();
      const uint16_t* const tap = w + (t / 2 * 4 + t % 2) * kTileElements;
      _tile_loadd(4, tap, kTileBytes);
      _tile_loadd(6, from, kPairBytes);
      _tile_dpbf16ps(0, 6, 4);
      drain.Some(3);
      _tile_loadd(5, tap + 2 * kTileElements, kTileBytes);
      _tile_dpbf16ps(1, 6, 5);
      drain.Some(3);
      if constexpr (kTwo) {
        _tile_loadd(7, from + kBlock, kPairBytes);
        _tile_dpbf16ps(2, 7, 4);
        drain.Some(3);
        _tile_dpbf16ps(3, 7, 5);
        drain.Some(3);
      }
    }
    w += 12 * kTileElements;
  }
  drain.All();
  constexpr int64_t kBoth = 2 * kTileBytes;
  _tile_stored(0, sums, kBoth);
  _tile_stored(1, sums + kTileFloats, kBoth);
  if constexpr (kTwo) {
    _tile_stored(2, sums + 2 * kTileSums, kBoth);
    _tile_stored(3, sums + 2 * kTileSums + kTileFloats, kBoth);
  }
}

// Outputs of stride 2: up to four blocks of 16 places.
template <int kCount, class Sink>
inline __attribute__((always_inline)) void SumStride(const Meeting& meeting, const uint16_t* x,
                                                     FetchSteadily& next, Sink& drain,
                                                     float* sums) {
  constexpr int64_t kBlock = kTileRows * 2 * kColumn;
  const uint16_t* w = meeting.weights;
  _tile_zero(0);
  if constexpr (kCount > 1) _tile_zero(1);
  if constexpr (kCount > 2) _tile_zero(2);
  if constexpr (kCount > 3) _tile_zero(3);
  for (int64_t c = 0; c < meeting.columns; ++c, x += meeting.column) {
#pragma GCC unroll 6
    for (int t = 0; t < 6; ++t, w += kTileElements) {
      const uint16_t* const from = x + meeting.taps[t];
      next.Step();
      _tile_loadd(4, w, kTileBytes);
      _tile_loadd(5, from, kPairBytes);
      _tile_dpbf16ps(0, 5, 4);
      drain.Some(3);
      if constexpr (kCount > 1) {
        _tile_loadd(6, from + kBlock, kPairBytes);
        _tile_dpbf16ps(1, 6, 4);
        drain.Some(3);
      }
      if constexpr (kCount > 2) {
        _tile_loadd(7, from + 2 * kBlock, kPairBytes);
        _tile_dpbf16ps(2, 7, 4);
        drain.Some(3);
      }
      if constexpr (kCount > 3) {
        _tile_loadd(5, from + 3 * kBlock, kPairBytes);
        _tile_dpbf16ps(3, 5, 4);
        drain.Some(3);
      }
    }
  }
  drain.All();
  _tile_stored(0, sums, kTileBytes);
  if constexpr (kCount > 1) _tile_stored(1, sums + kTileSums, kTileBytes);
  if constexpr (kCount > 2) _tile_stored(2, sums + 2 * kTileSums, kTileBytes);
  if constexpr (kCount > 3) _tile_stored(3, sums + 3 * kTileSums, kTileBytes);
}

template <class Sink>
void SumPlaces(int64_t stride, int64_t count, const Meeting& meeting, const uint16_t* x,
               FetchSteadily& next, Sink& drain, float* sums) {
  if (stride == 1)
    count > 2 ? SumPairs<true>(meeting, x, next, drain, sums)
              : SumPairs<false>(meeting, x, next, drain, sums);
  else if (count == 4)
    SumStride<4>(meeting, x, next, drain, sums);
  else if (count == 3)
    SumStride<3>(meeting, x, next, drain, sums);
  else if (count == 2)
    SumStride<2>(meeting, x, next, drain, sums);
  else
    SumStride<1>(meeting, x, next, drain, sums);
}

// Data gradients of stride 2: 16 places of dy make four tiles of dx.
template <class Sink>
inline __attribute__((always_inline)) void SumSpread(const Meeting& meeting, const uint16_t* dy,
                                                     FetchSteadily& next, Sink& drain,
                                                     float* sums) {
  constexpr int64_t kStep = kColumn * 2;
  const uint16_t* w = meeting.weights;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t c = 0; c < meeting.columns; ++c, dy += meeting.column, w += 6 * kTileElements) {
    next.Step();
    _tile_loadd(4, dy + meeting.taps[0], kStep);
    _tile_loadd(6, w, kTileBytes);
    _tile_dpbf16ps(0, 4, 6);
    drain.Some(11);
    _tile_loadd(7, w + kTileElements, kTileBytes);
    _tile_dpbf16ps(1, 4, 7);
    drain.Some(11);
    _tile_loadd(6, w + 2 * kTileElements, kTileBytes);
    _tile_dpbf16ps(2, 4, 6);
    drain.Some(11);
    _tile_loadd(7, w + 4 * kTileElements, kTileBytes);
    _tile_dpbf16ps(3, 4, 7);
    drain.Some(11);
    _tile_loadd(5, dy + meeting.taps[1], kStep);
    _tile_loadd(6, w + 3 * kTileElements, kTileBytes);
    _tile_dpbf16ps(2, 5, 6);
    drain.Some(11);
    _tile_loadd(7, w + 5 * kTileElements, kTileBytes);
    _tile_dpbf16ps(3, 5, 7);
    drain.Some(11);
  }
  drain.All();
  _tile_stored(0, sums, kTileBytes);
  _tile_stored(1, sums + kTileSums, kTileBytes);
  _tile_stored(2, sums + 2 * kTileSums, kTileBytes);
  _tile_stored(3, sums + 3 * kTileSums, kTileBytes);
}

// Calls sum(i, count, meeting, from, drain, sums) for every column and each `together` of its
// tiles of places, i the first place and `from` the first column that it meets. kNear columns go
// through the places together: lines of outputs are met again while they are near.
template <int64_t kNear, class Sink, typename Sum>
void ForColumns(const GroupedConv& conv, int64_t tiles, int64_t together, Meeting meeting,
                const uint16_t* packed, uint16_t* const* to, const Sum& sum) {
  const int64_t columns = Columns(conv);
  const uint16_t* weights = meeting.weights;
  SettleMemory();
  const WholeTiles whole;
  alignas(64) float sums[2][kPlaces * kTileFloats];
  float* turn = sums[0];
  Sink drain(conv);
  for (int64_t first = 0; first < columns; first += kNear) {
    for (int64_t tile = 0; tile < tiles; tile += together) {
      const int64_t count = tiles - tile < together ? tiles - tile : together;
      meeting.weights = weights;
      for (int64_t column = first; column < columns && column < first + kNear; ++column) {
        const Reach reach(conv, column);
        meeting.columns = reach.Count();
        sum(tile * kTileRows, count, meeting, packed + reach.first * meeting.column, drain, turn);
        drain.Begin(column, turn, to + tile / together * kPlaces, count * kPlaces / together);
        turn = turn == sums[0] ? sums[1] : sums[0];
        meeting.weights += meeting.columns * WeightTiles(conv) * kTileElements;
      }
    }
    weights = meeting.weights;
  }
  drain.All();
}

// Of what is packed, the pointers to what is written behind it and a pixel for what is not.
inline int64_t Rows(int64_t tiles, int64_t together) {
  return (RoundUp(tiles, together) / together + 1) * kPlaces;
}

inline int64_t TilesIn(const Grid& grid) { return RoundUp(grid.Count(), kTileRows) / kTileRows; }

inline int64_t RowsRoom(const GroupedConv& conv, int64_t rows, bool spread) {
  const Grid grid(conv, rows);
  const ColumnSizes sizes(grid, spread ? 1 : conv.stride);
  return Columns(conv) * (sizes.column * kColumn + kColumn) +
         Rows(TilesIn(grid), spread ? 1 : kBlocks) * kPointer;
}

// Outputs of rows of x; or the data gradient of stride 1, of those of dy.
inline void TileRows(const GroupedConv& conv, const uint16_t* x, const uint16_t* packed,
                     int64_t begin, int64_t end, uint16_t* scratch, uint16_t* y) {
  const Grid grid(conv, end - begin);
  const int64_t stride = conv.stride;
  const ColumnSizes sizes(grid, stride);
  const int64_t tiles = TilesIn(grid);
  const RowsOf rows{conv.height,   conv.width,         conv.channels,
                    grid.pictures, begin * stride - 1, (grid.rows - 1) * stride + 3,
                    /*left=*/1};
  const int64_t x_row = conv.width * conv.channels;
  const int64_t more = grid.pictures * grid.rows * stride;
  const int64_t read = rows.first + rows.rows + (grid.pictures - 1) * conv.height;
  FetchSteadily next(x + read * x_row, more * x_row,
                     Columns(conv) * more +
                         Meetings(conv, Columns(conv)) * (RoundUp(tiles, kBlocks) / kBlocks) * 6);
  if (!PackColumns(rows, sizes, stride, x, next, scratch)) return GiveUp(conv);
  Meeting meeting{packed, 0, sizes.column * kColumn, {}};
  for (int t = 0; t < 6; ++t) {
    const int64_t ky = t / 2;
    const int64_t row = ky % stride * sizes.plane + ky / stride * sizes.row;
    meeting.taps[t] = (row + t % 2 * 2) * kColumn;
  }
  auto* const to = reinterpret_cast<uint16_t**>(scratch + Columns(conv) * meeting.column);
  const int64_t count = Rows(tiles, kBlocks);
  PointToOutputs(conv, grid, begin, y, reinterpret_cast<uint16_t*>(to + count), count, to);
  const auto sum = [&](int64_t i, int64_t some, const Meeting& met, const uint16_t* from,
                       auto& drain, float* sums) {
    SumPlaces(stride, some, met, from + i * stride * kColumn, next, drain, sums);
  };
  if (conv.bias == nullptr && !conv.relu)
    ForColumns<1, Drain<false>>(conv, tiles, kBlocks, meeting, scratch, to, sum);
  else
    ForColumns<1, Drain<true>>(conv, tiles, kBlocks, meeting, scratch, to, sum);
}

// The data gradient of stride 2.
inline void SpreadTileRows(const GroupedConv& conv, const uint16_t* dy, const uint16_t* packed,
                           int64_t begin, int64_t end, uint16_t* scratch, uint16_t* dx) {
  const Grid grid(conv, end - begin);
  const ColumnSizes sizes(grid, /*step=*/1);
  const int64_t tiles = TilesIn(grid);
  const RowsOf rows{conv.out_height, conv.out_width, conv.channels, grid.pictures,
                    begin,           grid.rows + 1,  /*left=*/0};
  const int64_t dy_row = conv.out_width * conv.channels;
  const int64_t more = grid.pictures * grid.rows;
  FetchSteadily next(dy + (begin + more + 1) * dy_row, more * dy_row,
                     Columns(conv) * more + Meetings(conv, Columns(conv)) * tiles);
  if (!PackColumns(rows, sizes, /*planes=*/1, dy, next, scratch)) return GiveUp(conv);
  const Meeting meeting{packed, 0, sizes.column * kColumn, {0, sizes.row * kColumn}};
  auto* const to = reinterpret_cast<uint16_t**>(scratch + Columns(conv) * meeting.column);
  const int64_t count = Rows(tiles, /*together=*/1);
  PointToSpread(conv, grid, begin, dx, reinterpret_cast<uint16_t*>(to + count), count, to);
  ForColumns<2, Drain<false>>(
      conv, tiles, /*together=*/1, meeting, scratch, to,
      [&](int64_t i, int64_t, const Meeting& met, const uint16_t* from, auto& drain, float* sums) {
        SumSpread(met, from + i * kColumn, next, drain, sums);
      });
}

}  // namespace

}  // namespace torchgraft
