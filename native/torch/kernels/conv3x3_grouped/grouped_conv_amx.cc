#include "torch/kernels/conv3x3_grouped/grouped_conv.h"

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)

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

void DataGradient(const GroupedConv& conv, const uint16_t* dy, const uint16_t* packed,
                  int64_t begin, int64_t end, uint16_t* scratch, uint16_t* dx) {
  if (conv.stride == 1)
    TileRows(conv, dy, packed, begin, end, scratch, dx);
  else
    StridedGradientTileRows(conv, dy, packed, begin, end, scratch, dx);
}

}  // namespace

const GroupedConvKernel<uint16_t>* GroupedConvAmx() {
  static constexpr GroupedConvWorkspace kWorkspace{.forward = ForwardWorkspace,
                                                   .data_gradient = DataGradientWorkspace,
                                                   .weight_gradient = TileGradientWorkspace,
                                                   .weights = BlockWeights,
                                                   .weight_parts = ChannelBlocks,
                                                   .sums = GradientSums,
                                                   .many_images = true,
                                                   .cache_budget = kPackedBytes};
  static constexpr GroupedConvKernel<uint16_t> kKernel{
      &kWorkspace, PackBlockWeights, TileRows, DataGradient, TileGradient, UnpackTileGradient};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const GroupedConvKernel<uint16_t>* GroupedConvAmx() { return nullptr; }

}  // namespace torchgraft

#endif
