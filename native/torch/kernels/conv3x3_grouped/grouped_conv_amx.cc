#include "torch/kernels/conv3x3_grouped/grouped_conv.h"

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)

#include "torch/kernels/conv3x3_grouped/tiles/tile_gradient.h"
#include "torch/kernels/conv3x3_grouped/tiles/tile_rows.h"

namespace torchgraft {

namespace {

// A processor with tiles has 2 MiB of second-level cache.
constexpr int64_t kPackedBytes = 384 * 1024;

int64_t ForwardRoom(const GroupedConv& conv, int64_t rows) {
  return RowsRoom(conv, rows, /*spread=*/false);
}

int64_t DataGradientRoom(const GroupedConv& conv, int64_t rows) {
  return RowsRoom(conv, rows, /*spread=*/conv.stride == 2);
}

void DataGradient(const GroupedConv& conv, const uint16_t* dy, const uint16_t* packed,
                  int64_t begin, int64_t end, uint16_t* scratch, uint16_t* dx) {
  if (conv.stride == 1)
    TileRows(conv, dy, packed, begin, end, scratch, dx);
  else
    SpreadTileRows(conv, dy, packed, begin, end, scratch, dx);
}

}  // namespace

const GroupedConvKernel<uint16_t>* GroupedConvAmx() {
  static constexpr GroupedConvRoom kRoom{.forward = ForwardRoom,
                                         .data_gradient = DataGradientRoom,
                                         .weight_gradient = TileGradientRoom,
                                         .weights = ColumnWeights,
                                         .weight_parts = Columns,
                                         .sums = GradientSums,
                                         .many_images = true,
                                         .bytes = kPackedBytes};
  static constexpr GroupedConvKernel<uint16_t> kKernel{
      &kRoom, PackColumnWeights, TileRows, DataGradient, TileGradient, UnpackTileGradient};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const GroupedConvKernel<uint16_t>* GroupedConvAmx() { return nullptr; }

}  // namespace torchgraft

#endif
