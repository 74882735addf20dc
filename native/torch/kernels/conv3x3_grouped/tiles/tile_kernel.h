#pragma once

// The kernel kGroupedConvBf16 by AMX's tiles.

#include "torch/kernels/conv3x3_grouped/tiles/tile_gradient.h"
#include "torch/kernels/conv3x3_grouped/tiles/tile_rows.h"

namespace torchgraft {

namespace {

// A processor with tiles has 2 MiB of second-level cache.
constexpr int64_t kPackedBytes = 384 * 1024;

int64_t ForwardWorkspace(const GroupedConv& conv, int64_t rows) {
  return RowsWorkspace(conv, rows, /*strided_gradient=*/false);
}

int64_t DataGradientWorkspace(const GroupedConv& conv, int64_t rows) {
  return RowsWorkspace(conv, rows, /*strided_gradient=*/conv.stride == 2);
}

void DataGradient(const GroupedConv& conv, const ConvRows<uint16_t>& rows) {
  conv.stride == 1 ? TileRows(conv, rows) : StridedGradientTileRows(conv, rows);
}

constexpr GroupedConvWorkspace kWorkspace{.forward = ForwardWorkspace,
                                          .data_gradient = DataGradientWorkspace,
                                          .weight_gradient = TileGradientWorkspace,
                                          .weights = BlockWeights,
                                          .weight_parts = ChannelBlocks,
                                          .sums = GradientSums,
                                          .many_images = true,
                                          .cache_budget = kPackedBytes};

constexpr GroupedConvKernel<uint16_t> kKernel{&kWorkspace,  PackBlockWeights, TileRows,
                                              DataGradient, TileGradient,     UnpackTileGradient};

}  // namespace

}  // namespace torchgraft
