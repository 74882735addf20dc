#pragma once

// Outputs and data gradients of grouped_conv.h by tiles: what is packed, multiplied and where it
// goes, of rows of images.

#include "torch/kernels/conv3x3_grouped/tiles/tile_operands.h"

namespace torchgraft {

namespace {

// Calls sum(i, count, operands, from, epilogue, sums) for every block and each `together` of its
// tiles of places, i the first place and `from` the first block that contributes to it. kNear
// blocks go through the places together: lines of outputs are written again while they are near.
template <int64_t kNear, class Epilogue, typename Sum>
void ForChannelBlocks(const GroupedConv& conv, int64_t tiles, int64_t together,
                      TileOperands operands, const uint16_t* packed, uint16_t* const* to,
                      const Sum& sum) {
  const int64_t blocks = ChannelBlocks(conv);
  const uint16_t* weights = operands.weights;
  CompilerBarrier();
  const TileConfigScope config;
  alignas(64) float sums[2][kPlaces * kTileFloats];
  float* turn = sums[0];
  Epilogue epilogue(conv);
  for (int64_t first = 0; first < blocks; first += kNear) {
    for (int64_t tile = 0; tile < tiles; tile += together) {
      const int64_t count = tiles - tile < together ? tiles - tile : together;
      operands.weights = weights;
      for (int64_t block = first; block < blocks && block < first + kNear; ++block) {
        const GroupSpan span(conv, block);
        operands.blocks = span.Count();
        sum(tile * kTileRows, count, operands, packed + span.first * operands.block, epilogue,
            turn);
        epilogue.Begin(block, turn, to + tile / together * kPlaces, count * kPlaces / together);
        turn = turn == sums[0] ? sums[1] : sums[0];
        operands.weights += operands.blocks * WeightTiles(conv) * kTileElements;
      }
    }
    weights = operands.weights;
  }
  epilogue.Flush();
}

// Of what is packed, the pointers to what is written behind it and a pixel for what is not.
inline int64_t Rows(int64_t tiles, int64_t together) {
  return (RoundUp(tiles, together) / together + 1) * kPlaces;
}

inline int64_t TilesIn(const Grid& grid) { return RoundUp(grid.Count(), kTileRows) / kTileRows; }

inline int64_t RowsWorkspace(const GroupedConv& conv, int64_t rows, bool strided_gradient) {
  const Grid grid(conv, rows);
  const BlockSizes sizes(grid, strided_gradient ? 1 : conv.stride);
  return ChannelBlocks(conv) * (sizes.block * kChannelBlock + kChannelBlock) +
         Rows(TilesIn(grid), strided_gradient ? 1 : kBlocks) * kPointer;
}

// Outputs of rows of x; or the data gradient of stride 1, of those of dy.
inline void TileRows(const GroupedConv& conv, const ConvRows<uint16_t>& piece) {
  const uint16_t* const x = piece.from;
  const int64_t begin = piece.begin;
  uint16_t* const scratch = piece.scratch;
  const Grid grid(conv, piece.end - begin);
  const int64_t stride = conv.stride;
  const BlockSizes sizes(grid, stride);
  const int64_t tiles = TilesIn(grid);
  const RowsOf rows{conv.height, conv.width,         conv.channels,
                    grid.images, begin * stride - 1, (grid.rows - 1) * stride + 3,
                    /*left=*/1};
  const int64_t x_row = conv.width * conv.channels;
  const int64_t more = grid.images * grid.rows * stride;
  const int64_t read = rows.first + rows.rows + (grid.images - 1) * conv.height;
  PrefetchPacer next(x + read * x_row, more * x_row,
                     ChannelBlocks(conv) * more + BlockPairs(conv, ChannelBlocks(conv)) *
                                                      (RoundUp(tiles, kBlocks) / kBlocks) * 6);
  if (!PackChannelBlocks(rows, sizes, stride, x, next, scratch)) return RequestFallback(conv);
  TileOperands operands{piece.packed, 0, sizes.block * kChannelBlock, {}};
  for (int t = 0; t < 6; ++t) {
    const int64_t ky = t / 2;
    const int64_t row = ky % stride * sizes.plane + ky / stride * sizes.row;
    operands.taps[t] = (row + t % 2 * 2) * kChannelBlock;
  }
  auto* const to = reinterpret_cast<uint16_t**>(scratch + ChannelBlocks(conv) * operands.block);
  const int64_t count = Rows(tiles, kBlocks);
  PointToOutputs(conv, grid, begin, piece.to,
                 {.nowhere = reinterpret_cast<uint16_t*>(to + count), .count = count, .to = to});
  const auto sum = [&](int64_t i, int64_t some, const TileOperands& pair, const uint16_t* from,
                       auto& epilogue, float* sums) {
    SumPlaces(stride, some, pair, from + i * stride * kChannelBlock, next, epilogue, sums);
  };
  if (conv.bias == nullptr && !conv.relu)
    ForChannelBlocks<1, EpilogueStore<false>>(conv, tiles, kBlocks, operands, scratch, to, sum);
  else
    ForChannelBlocks<1, EpilogueStore<true>>(conv, tiles, kBlocks, operands, scratch, to, sum);
}

// The data gradient of stride 2.
inline void StridedGradientTileRows(const GroupedConv& conv, const ConvRows<uint16_t>& piece) {
  const uint16_t* const dy = piece.from;
  const int64_t begin = piece.begin;
  uint16_t* const scratch = piece.scratch;
  const Grid grid(conv, piece.end - begin);
  const BlockSizes sizes(grid, /*step=*/1);
  const int64_t tiles = TilesIn(grid);
  const RowsOf rows{conv.out_height, conv.out_width, conv.channels, grid.images,
                    begin,           grid.rows + 1,  /*left=*/0};
  const int64_t dy_row = conv.out_width * conv.channels;
  const int64_t more = grid.images * grid.rows;
  PrefetchPacer next(dy + (begin + more + 1) * dy_row, more * dy_row,
                     ChannelBlocks(conv) * more + BlockPairs(conv, ChannelBlocks(conv)) * tiles);
  if (!PackChannelBlocks(rows, sizes, /*planes=*/1, dy, next, scratch))
    return RequestFallback(conv);
  const TileOperands operands{
      piece.packed, 0, sizes.block * kChannelBlock, {0, sizes.row * kChannelBlock}};
  auto* const to = reinterpret_cast<uint16_t**>(scratch + ChannelBlocks(conv) * operands.block);
  const int64_t count = Rows(tiles, /*together=*/1);
  PointToStridedGradient(
      conv, grid, begin, piece.to,
      {.nowhere = reinterpret_cast<uint16_t*>(to + count), .count = count, .to = to});
  ForChannelBlocks<2, EpilogueStore<false>>(conv, tiles, /*together=*/1, operands, scratch, to,
                                            [&](int64_t i, int64_t, const TileOperands& pair,
                                                const uint16_t* from, auto& epilogue, float* sums) {
                                              SumStridedGradient(pair, from + i * kChannelBlock,
                                                                 next, epilogue, sums);
                                            });
}

}  // namespace

}  // namespace torchgraft
