#pragma once

// The kernel kPointwiseGradientBf16, by AMX's tiles.

#include "torch/kernels/conv1x1/weight_grad/tiled_chunks.h"

namespace torchgraft {

namespace {

// Up to two × two tiles of sums of a chunk, and what they read.
struct TileBlock {
  int64_t steps;  // tiles of pixels in the chunk
  const uint16_t* dy;
  const uint16_t* x;
  bool begins;        // the sums are not written yet
  int64_t sums_step;  // from a tile of outputs to the next
  float* sums;
};

// Adds kOut × kIn tiles of products to a block, and packs some of the next chunk meanwhile.
template <int kOut, int kIn>
void Block(const TileBlock& block, Packer& next) {
  constexpr int kStride = kTileBytes;
  CompilerBarrier();
  const int64_t steps = block.steps, tile_step = TileStep(steps);
  const uint16_t *dy = block.dy, *x = block.x;
  float* const sums = block.sums;
  float* const below = sums + block.sums_step;
  if (block.begins) {
    _tile_zero(0);
    if constexpr (kIn == 2) _tile_zero(1);
    if constexpr (kOut == 2) _tile_zero(2);
    if constexpr (kOut == 2 && kIn == 2) _tile_zero(3);
  } else {
    _tile_loadd(0, sums, kStride);
    if constexpr (kIn == 2) _tile_loadd(1, sums + kTileSums, kStride);
    if constexpr (kOut == 2) _tile_loadd(2, below, kStride);
    if constexpr (kOut == 2 && kIn == 2) _tile_loadd(3, below + kTileSums, kStride);
  }
  for (int64_t s = 0; s < steps; ++s, dy += kTileElements, x += kTileElements) {
    _tile_loadd(4, dy, kStride);
    _tile_loadd(6, x, kStride);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kIn == 2) {
      _tile_loadd(7, x + tile_step, kStride);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (kOut == 2) {
      _tile_loadd(5, dy + tile_step, kStride);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (kOut == 2 && kIn == 2) _tile_dpbf16ps(3, 5, 7);
    next.Turn();
  }
  _tile_stored(0, sums, kStride);
  if constexpr (kIn == 2) _tile_stored(1, sums + kTileSums, kStride);
  if constexpr (kOut == 2) _tile_stored(2, below, kStride);
  if constexpr (kOut == 2 && kIn == 2) _tile_stored(3, below + kTileSums, kStride);
}

void BlockOf(bool two_out, bool two_in, const TileBlock& block, Packer& next) {
  if (two_out)
    two_in ? Block<2, 2>(block, next) : Block<2, 1>(block, next);
  else
    two_in ? Block<1, 2>(block, next) : Block<1, 1>(block, next);
}

int64_t ChunkElements(const Gradient& gradient, const Chunks& chunks) {
  return (InTiles(gradient.in) + OutTiles(gradient.out)) * TileStep(chunks.Longest());
}

// One chunk is read while the next is packed.
int64_t Scratch(const Gradient& gradient) {
  return 2 * ChunkElements(gradient, Chunks(gradient)) + MostChannels(gradient);
}

int64_t Sums(int64_t in, int64_t out) { return InTiles(in) * OutTiles(out) * kTileSums; }

void Sum(const Gradient& gradient, uint16_t* scratch, float* sums) {
  const TileConfigScope config;
  const int64_t in_tiles = InTiles(gradient.in), out_tiles = OutTiles(gradient.out);
  const int64_t blocks = TilesOf(in_tiles, 2) * TilesOf(out_tiles, 2);
  const Chunks chunks(gradient);
  uint16_t* packed = scratch;
  uint16_t* other = scratch + ChunkElements(gradient, chunks);
  Packer packer(gradient, other + ChunkElements(gradient, chunks));
  packer.Begin(chunks.Steps(0), 1, packed);
  packer.Finish();
  for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    const int64_t steps = chunks.Steps(chunk), tile_step = TileStep(steps);
    const uint16_t* const dy = packed + in_tiles * tile_step;
    packer.Begin(chunk + 1 < chunks.count ? chunks.Steps(chunk + 1) : 0, steps * blocks, other);
    for (int64_t o = 0; o < out_tiles; o += 2) {
      for (int64_t i = 0; i < in_tiles; i += 2) {
        const TileBlock block{.steps = steps,
                              .dy = dy + o * tile_step,
                              .x = packed + i * tile_step,
                              .begins = chunk == 0,
                              .sums_step = in_tiles * kTileSums,
                              .sums = sums + (o * in_tiles + i) * kTileSums};
        BlockOf(o + 1 < out_tiles, i + 1 < in_tiles, block, packer);
      }
    }
    uint16_t* const read = packed;
    packed = other;
    other = read;
  }
}

__m512 SumOf(const float* sums, int64_t parts, int64_t part_step) {
  __m512 sum = _mm512_loadu_ps(sums);
  for (int64_t p = 1; p < parts; ++p)
    sum = _mm512_add_ps(sum, _mm512_loadu_ps(sums + p * part_step));
  return sum;
}

void Add(int64_t in, int64_t begin, int64_t end, int64_t parts, int64_t part_step,
         const float* sums, uint16_t* dweight) {
  const __m512i in_order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  for (int64_t o = begin; o < end; ++o) {
    const float* const row =
        sums + o / kTileRows * InTiles(in) * kTileSums + o % kTileRows * kTileFloats;
    for (int64_t c = 0; c < in; c += 32) {
      const float* const from = row + c / kTileFloats * kTileSums;
      const bool two = in - c > 16;
      const __m512 first = SumOf(from, parts, part_step);
      const __m512 second = two ? SumOf(from + kTileSums, parts, part_step) : first;
      __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
      if (two) both = _mm512_permutexvar_epi64(in_order, both);
      _mm512_mask_storeu_epi16(dweight + o * in + c, FirstOf32(in - c), both);
    }
  }
}

constexpr PointwiseGradientKernel<uint16_t> kKernel{Scratch, Sums, Sum, Add};

}  // namespace

}  // namespace torchgraft
