#pragma once

// Outputs and data gradients of grouped_conv.h by tiles: what is packed, multiplied and where it
// goes, of rows of images.

#include "torch/kernels/conv3x3_grouped/tiles/tile_operands.h"

namespace torchgraft {

namespace {

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
  const RowsOf rows{conv.height, conv.width,         conv.channels,
                    grid.images, begin * stride - 1, (grid.rows - 1) * stride + 3,
                    /*left=*/1};
  const int64_t x_row = conv.width * conv.channels;
  const int64_t more = grid.images * grid.rows * stride;
  const int64_t read = rows.first + rows.rows + (grid.images - 1) * conv.height;
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
  const RowsOf rows{conv.out_height, conv.out_width, conv.channels, grid.images,
                    begin,           grid.rows + 1,  /*left=*/0};
  const int64_t dy_row = conv.out_width * conv.channels;
  const int64_t more = grid.images * grid.rows;
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
