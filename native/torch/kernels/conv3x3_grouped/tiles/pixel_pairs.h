#pragma once

// Packed inputs and gradients of grouped_conv.h's weight gradient by tiles. The inputs lie as pairs
// of places, an even one and the one after it, and the output's gradient as [block][16][place], all
// numbered as in pixel_grid.h. A tap reads inputs as many pairs on as it is away; one that is away
// by an odd number reads the gradient one place before instead.

#include "torch/kernels/conv3x3_grouped/tiles/pixel_grid.h"
#include "torch/kernels/isa/amx_pack.h"

namespace torchgraft {

namespace {

constexpr int64_t kDepth = kTileInputs;  // places that a product sums over

// In elements.
struct GradientSizes {
  int64_t blocks;
  int64_t planes;   // of inputs: with stride 2 of even and odd rows and columns
  int64_t places;   // of outputs' gradients and one more, up to a whole tile
  int64_t inputs;   // places that are read of a plane
  int64_t channel;  // of outputs' gradients, from one to the next
  int64_t plane;    // of inputs, from one to the next

  GradientSizes(const GroupedConv& conv, const Grid& grid)
      : blocks(ChannelBlocks(conv)),
        planes(conv.stride * conv.stride),
        places(RoundUp(grid.Count() + 1, kDepth)),
        inputs(places + (conv.stride == 1 ? 2 * grid.pitch + 2 : grid.pitch)),
        channel(PadToOddCacheLines((kDepth + places) * 2) / 2),
        plane(PadToOddCacheLines(inputs * kChannelBlock * 2) / 2) {}

  int64_t Inputs() const { return blocks * planes * plane; }
  int64_t Gradients() const { return blocks * kChannelBlock * channel; }
  int64_t Pointers() const { return inputs + places; }
};

// Where each place's pixel lies: at `zeros` where there is none.
struct PlacePointers {
  const uint16_t* zeros;
  const uint16_t** to;
};

// To the inputs x of one plane.
inline void PointToInputs(const GroupedConv& conv, const Grid& grid, const GradientSizes& sizes,
                          const GradientRows<uint16_t>& rows, int64_t plane,
                          const PlacePointers& pointers) {
  const int64_t stride = conv.stride;
  for (int64_t i = 0; i < sizes.inputs; ++i) pointers.to[i] = pointers.zeros;
  for (int64_t p = 0; p < grid.images; ++p) {
    for (int64_t r = 0; r * stride + plane / stride < (grid.rows - 1) * stride + 3; ++r) {
      const int64_t y = (rows.begin + r) * stride + plane / stride - 1;
      if (y < 0 || y >= conv.height) continue;
      const uint16_t* const row = rows.x + (p * conv.height + y) * conv.width * conv.channels;
      const uint16_t** const places = pointers.to + p * grid.image + r * grid.pitch;
      for (int64_t i = 0; i < grid.pitch; ++i) {
        const int64_t at = i * stride + plane % stride - 1;
        if (at >= 0 && at < conv.width) places[i] = row + at * conv.channels;
      }
    }
  }
}

// To the output's gradient dy.
inline void PointToGradients(const GroupedConv& conv, const Grid& grid, const GradientSizes& sizes,
                             const GradientRows<uint16_t>& rows, const PlacePointers& pointers) {
  for (int64_t i = 0; i < sizes.places; ++i) pointers.to[i] = pointers.zeros;
  for (int64_t p = 0; p < grid.images; ++p) {
    for (int64_t r = 0; r < grid.rows; ++r) {
      const uint16_t* const row =
          rows.dy + (p * conv.out_height + rows.begin + r) * conv.out_width * conv.channels;
      const uint16_t** const places = pointers.to + p * grid.image + r * grid.pitch;
      for (int64_t i = 0; i < conv.out_width; ++i) places[i] = row + i * conv.channels;
    }
  }
}

// As [block][channel][place], before which there is a zero.
inline void PackGradients(const GroupedConv& conv, const GradientSizes& sizes,
                          const uint16_t* const* places, uint16_t* packed) {
  for (int64_t c = 0; c < sizes.blocks * kChannelBlock; ++c)
    packed[c * sizes.channel + kDepth - 1] = 0;
  for (int64_t i = 0; i < sizes.places; i += kDepth) {
    for (int64_t c = 0; c < conv.channels; c += 8)
      TransposeEight(places + i, c, packed + c * sizes.channel + kDepth + i, sizes.channel);
  }
}

// Where a channel of 16 stands among those whose pairs PackGradients has interleaved.
inline int64_t PairPlace(int64_t channel) {
  return (channel & 3) | (channel & 8) >> 1 | (channel & 4) << 1;
}

inline void StorePair(__m256i first, __m256i second, uint16_t* to) {
  auto* const out = reinterpret_cast<__m256i*>(to);
  _mm256_storeu_si256(out, _mm256_unpacklo_epi16(first, second));
  _mm256_storeu_si256(out + 1, _mm256_unpackhi_epi16(first, second));
}

// As [block][plane][pair of places][channel][2].
inline void PackPairs(const GroupedConv& conv, const GradientSizes& sizes,
                      const uint16_t* const* places, PrefetchPacer& next, uint16_t* packed) {
  const int64_t whole = conv.channels / kChannelBlock;
  const int64_t step = sizes.planes * sizes.plane;
  for (int64_t i = 0; i < sizes.inputs; i += 2) {
    next.Step();
    const uint16_t* const a = places[i];
    const uint16_t* const b = places[i + 1];
    uint16_t* to = packed + i * kChannelBlock;
    for (int64_t c = 0; c < whole; ++c, to += step) {
      const __m256i first =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + c * kChannelBlock));
      const __m256i second =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + c * kChannelBlock));
      StorePair(first, second, to);
    }
    if (conv.channels % kChannelBlock == 0) continue;
    const __m256i first = _mm256_zextsi128_si256(EightOf(a + whole * kChannelBlock));
    const __m256i second = _mm256_zextsi128_si256(EightOf(b + whole * kChannelBlock));
    StorePair(first, second, to);
  }
}

}  // namespace

}  // namespace torchgraft
