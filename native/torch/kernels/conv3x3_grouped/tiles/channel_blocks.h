#pragma once

// Packed inputs and weights of grouped_conv.h's forward and data gradient by tiles: blocks of 16
// channels, each as [row][x][16] with the zeros of pixel_grid.h, and of weights tiles that multiply
// two neighbouring pixels' 16 inputs by 16 outputs.

#include "torch/kernels/conv3x3_grouped/tiles/pixel_grid.h"
#include "torch/kernels/isa/amx_tiles.h"

namespace torchgraft {

namespace {

// Where a tap stands: in which tile of weights, and at which of the two pixels that it multiplies.
struct TapPlace {
  int tile, pixel;
};

// Of [ky][kx], the tiles where one block of inputs contributes to one of outputs. The pixels that a
// tile of inputs takes together are the even one and the one after it, or its loads would cross the
// cache's lines. So with stride 1 even places have their taps in the first two tiles of each ky,
// odd ones in the other two.
constexpr TapPlace kEvenTaps[9] = {{0, 0}, {0, 1}, {1, 0}, {4, 0}, {4, 1},
                                   {5, 0}, {8, 0}, {8, 1}, {9, 0}};
constexpr TapPlace kOddTaps[9] = {{2, 1}, {3, 0},  {3, 1},  {6, 1}, {7, 0},
                                  {7, 1}, {10, 1}, {11, 0}, {11, 1}};
// Outputs of stride 2, whose taps all begin at even pixels.
constexpr TapPlace kStridedTaps[9] = {{0, 0}, {0, 1}, {1, 0}, {2, 0}, {2, 1},
                                      {3, 0}, {4, 0}, {4, 1}, {5, 0}};
// Data gradients of stride 2, by parity of row and column: tile 0 for both even, 1 for odd columns,
// 2 and 3 for odd rows (of a row of dy and the one after it), 4 and 5 for both odd.
constexpr TapPlace kStridedGradientTaps[9] = {{5, 1}, {3, 0}, {5, 0}, {1, 1}, {0, 0},
                                              {1, 0}, {4, 1}, {2, 0}, {4, 0}};

inline int64_t WeightTiles(const GroupedConv& conv) { return conv.stride == 1 ? 12 : 6; }

inline int64_t BlockWeights(const GroupedConv& conv) {
  return BlockPairs(conv, ChannelBlocks(conv)) * WeightTiles(conv) * kTileElements;
}

// The taps of some places, with stride 1 those of even and those of odd ones.
struct TapPlaces {
  int count;
  const TapPlace* lists[2];

  TapPlaces(const GroupedConv& conv, bool for_gradient)
      : count(conv.stride == 1 ? 2 : 1),
        lists{conv.stride == 1 ? kEvenTaps : (for_gradient ? kStridedGradientTaps : kStridedTaps),
              kOddTaps} {}
};

// As [block of outputs][block of inputs that contribute to it][tile], of blocks from `begin` to
// before `end`.
inline void PackBlockWeights(const GroupedConv& conv, const WeightsToPack<uint16_t>& weights) {
  const uint16_t* const weight = weights.weight;
  const WeightSteps steps = weights.steps;
  const bool for_gradient = weights.for_gradient;
  const int64_t begin = weights.begin, end = weights.end;
  uint16_t* packed = weights.packed;
  const TapPlaces places(conv, for_gradient);
  const bool mirrored = for_gradient && conv.stride == 1;  // as outputs of mirrored taps
  int64_t to_tap[2][9], from_tap[9];
  for (int k = 0; k < 9; ++k) {
    const int tap = mirrored ? 8 - k : k;
    from_tap[k] = tap / 3 * steps.ky + tap % 3 * steps.kx;
    for (int i = 0; i < places.count; ++i) {
      const TapPlace place = places.lists[i][k];
      to_tap[i][k] = place.tile * kTileElements + place.pixel * kTileElements / 2;
    }
  }
  const int64_t pair_size = WeightTiles(conv) * kTileElements;
  packed += BlockPairs(conv, begin) * pair_size;
  const int64_t step = for_gradient ? steps.out : steps.in;  // from an input to the next
  for (int64_t block = begin; block < end; ++block) {
    const GroupSpan span(conv, block);
    __builtin_memset(packed, 0, span.Count() * pair_size * sizeof(uint16_t));
    for (int64_t o = 0; o < kChannelBlock && block * kChannelBlock + o < conv.channels; ++o) {
      const int64_t out = block * kChannelBlock + o;
      const int64_t group = out / conv.group_width * conv.group_width;
      const uint16_t* from = for_gradient ? weight + group * steps.out + (out - group) * steps.in
                                          : weight + out * steps.out;
      for (int64_t in = group; in < group + conv.group_width; ++in, from += step) {
        const int64_t i = in % kChannelBlock;
        uint16_t* const to = packed + (in / kChannelBlock - span.first) * pair_size +
                             i / 2 * kTileInputs + 2 * o + i % 2;
        for (int list = 0; list < places.count; ++list)
          for (int k = 0; k < 9; ++k) to[to_tap[list][k]] = from[from_tap[k]];
      }
    }
    packed += span.Count() * pair_size;
  }
}

// Of packed images, in pixels.
struct BlockSizes {
  int64_t row;    // from a row to the next
  int64_t image;  // from an image to the next
  int64_t plane;  // from even to odd rows of stride 2; of stride 1 there is one
  int64_t block;

  // `step` of the pixels that two outputs read: 2 in outputs of stride 2.
  BlockSizes(const Grid& grid, int64_t step)
      : row(step * grid.pitch),
        image(step * grid.image),
        plane(grid.images * image + row),
        // The last tiles read on, and of them the last tap.
        block(PadToOddCacheLines((step * plane + (2 * kTileRows + 4) * step) * kChannelBlock * 2) /
              2 / kChannelBlock) {}
};

// Rows of images, `rows` of each from `first` on, of which some may lie outside.
struct RowsOf {
  int64_t height, width, channels;
  int64_t images, first, rows;
  int64_t left;  // zeros before each row
};

inline void ZeroPixels(uint16_t* to, int64_t begin, int64_t end, int64_t blocks, int64_t step) {
  for (int64_t c = 0; c < blocks; ++c, to += step)
    for (int64_t x = begin; x < end; ++x)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + x * kChannelBlock),
                          _mm256_setzero_si256());
}

// 16 channels of a pixel, or the 8 that there are.
template <bool kHalf>
inline __m256i LoadPixel(const uint16_t* from) {
  if constexpr (kHalf)
    return _mm256_zextsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  else
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

// A block of a row, two pixels at a time: the first alone where it stands at an odd place.
template <bool kHalf>
inline void CopyChannelBlock(const uint16_t* from, int64_t step, int64_t place, int64_t count,
                             uint16_t* to, FiniteCheck& finite) {
  const auto one = [&] {
    const __m256i v = LoadPixel<kHalf>(from);
    finite.Observe(v);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v);
    from += step;
    to += kChannelBlock;
    --count;
  };
  to += place * kChannelBlock;
  if (place % 2 != 0) one();
  for (; count >= 2; count -= 2, from += 2 * step, to += 2 * kChannelBlock) {
    const __m512i two = _mm512_inserti64x4(_mm512_castsi256_si512(LoadPixel<kHalf>(from)),
                                           LoadPixel<kHalf>(from + step), 1);
    finite.Observe(two);
    _mm512_storeu_si512(to, two);
  }
  if (count > 0) one();
}

// Whether all numbers are finite. Steps `next` once for each block of each row.
inline bool PackChannelBlocks(const RowsOf& from, const BlockSizes& sizes, int64_t planes,
                              const uint16_t* images, PrefetchPacer& next, uint16_t* packed) {
  const int64_t whole = from.channels / kChannelBlock;
  const int64_t blocks = whole + (from.channels % kChannelBlock != 0);
  const int64_t step = sizes.block * kChannelBlock;
  const int64_t image_size = from.height * from.width * from.channels;
  FiniteCheck finite;
  for (int64_t p = 0; p < from.images; ++p, images += image_size) {
    for (int64_t r = 0; r < from.rows; ++r) {
      const int64_t place = p * sizes.image + r % planes * sizes.plane + r / planes * sizes.row;
      uint16_t* const to = packed + place * kChannelBlock;
      const int64_t y = from.first + r;
      // What is read after the last row's end is zero too.
      const int64_t end = sizes.row + (r + planes >= from.rows ? 2 : 0);
      if (y < 0 || y >= from.height) {
        ZeroPixels(to, 0, end, blocks, step);
        continue;
      }
      ZeroPixels(to, 0, from.left, blocks, step);
      ZeroPixels(to, from.left + from.width, end, blocks, step);
      const uint16_t* const row = images + y * from.width * from.channels;
      for (int64_t c = 0; c < blocks; ++c) {
        next.Step();
        if (c < whole)
          CopyChannelBlock<false>(row + c * kChannelBlock, from.channels, from.left, from.width,
                                  to + c * step, finite);
        else
          CopyChannelBlock<true>(row + c * kChannelBlock, from.channels, from.left, from.width,
                                 to + c * step, finite);
      }
    }
  }
  return finite.AllFinite();
}

}  // namespace

}  // namespace torchgraft
