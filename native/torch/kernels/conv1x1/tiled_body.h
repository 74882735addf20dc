#pragma once

// The kernel kTiledPointwise: 1×1 convolutions by AMX's tiles.

#include "torch/kernels/conv1x1/tiled_blocks.h"

namespace torchgraft {

namespace {

// Sums 32 pixels × kTiles tiles of outputs.
template <int kTiles>
void Multiply(int64_t steps, const uint16_t* x, int64_t x_step, const uint16_t* w) {
  CompilerBarrier();
  constexpr int kStride = kTileBytes;
  const int64_t x_bytes = x_step * 2;
  const uint16_t* const below = x + kTileRows * x_step;
  _tile_zero(0);
  _tile_zero(2);
  if constexpr (kTiles == 2) {
    _tile_zero(1);
    _tile_zero(3);
  }
  for (int64_t s = 0; s < steps; ++s, w += kTiles * kTileElements) {
    _tile_loadd(4, x + s * kTileInputs, x_bytes);
    _tile_stream_loadd(6, w, kStride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, below + s * kTileInputs, x_bytes);
    _tile_dpbf16ps(2, 5, 6);
    if constexpr (kTiles == 2) {
      _tile_stream_loadd(7, w + kTileElements, kStride);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
}

// Of the tiles summed, as [pixel][32].
template <int kTiles>
void StoreSums(float* sums) {
  constexpr int kSumsBytes = kOutputs * 4;
  _tile_stored(0, sums, kSumsBytes);
  _tile_stored(2, sums + kTileRows * kOutputs, kSumsBytes);
  if constexpr (kTiles == 2) {
    _tile_stored(1, sums + kTileFloats, kSumsBytes);
    _tile_stored(3, sums + kTileRows * kOutputs + kTileFloats, kSumsBytes);
  }
}

__m512 Widened(__m256i bits) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

// The epilogue of 32 outputs of a block of pixels: adds bias and, where kResidualRelu, residual and
// ReLU to their sums, rounds them and stores them.
template <bool kResidualRelu>
void StoreEpilogue(const TiledPointwise& conv, int64_t first, const float* sums,
                   const Block& block) {
  const int64_t left = conv.out - first;
  const __mmask32 there = FirstOf32(left);
  const __m512 bias = _mm512_loadu_ps(conv.bias + first);
  const __m512 bias_after =
      left > kTileFloats ? _mm512_loadu_ps(conv.bias + first + kTileFloats) : bias;
  for (int64_t p = 0; p < block.count; ++p, sums += kOutputs) {
    const int64_t at = block.places[p] + first;
    __m512 a = _mm512_add_ps(_mm512_load_ps(sums), bias);
    __m512 b = _mm512_add_ps(_mm512_load_ps(sums + kTileFloats), bias_after);
    if constexpr (kResidualRelu) {
      if (conv.added != nullptr) {
        const __m512i added = _mm512_maskz_loadu_epi16(there, conv.added + at);
        a = _mm512_add_ps(a, Widened(_mm512_castsi512_si256(added)));
        b = _mm512_add_ps(b, Widened(_mm512_extracti64x4_epi64(added, 1)));
      }
      if (conv.relu) {  // in this order, which keeps what is not a number
        a = _mm512_max_ps(_mm512_setzero_ps(), a);
        b = _mm512_max_ps(_mm512_setzero_ps(), b);
      }
    }
    const __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a));
    if (left >= kOutputs)
      _mm512_storeu_si512(conv.y + at, both);
    else
      _mm512_mask_storeu_epi16(conv.y + at, there, both);
  }
}

// Between the pixels of a block and the next ones.
void ZeroBetween(const TiledPointwise& conv, const Block& block) {
  for (int64_t p = 0; p < block.count; ++p) {
    uint16_t* from = conv.y + block.places[p] + conv.out;
    const uint16_t* const to = conv.y + block.places[p + 1];
    for (; to - from >= kTileInputs; from += kTileInputs)
      _mm512_storeu_si512(from, _mm512_setzero_si512());
    _mm512_mask_storeu_epi16(from, FirstOf32(to - from), _mm512_setzero_si512());
  }
}

// Tiles are few instructions that take long: beside each product the sums before are stored and
// pixels of the next block are copied.
void Run(const TiledPointwise& conv, int64_t first, int64_t pixels, uint16_t* scratch) {
  const TileConfigScope config;
  const int64_t steps = Steps(conv.in), x_step = PixelStep(conv.in);
  const int64_t turns = TilesOf(conv.out, kOutputs);
  const auto store =
      conv.added != nullptr || conv.relu ? StoreEpilogue<true> : StoreEpilogue<false>;
  alignas(64) float sums[2][kPixels * kOutputs];
  // Sums of pixels beyond the last are computed, and not kept.
  for (int64_t i = 0; i < Scratch(conv.in); i += kTileInputs)
    _mm512_store_si512(scratch + i, _mm512_setzero_si512());
  for (float& sum : sums[0]) sum = 0;
  for (float& sum : sums[1]) sum = 0;
  Block blocks[2];
  blocks[0].x = scratch;
  blocks[1].x = scratch + kPixels * x_step;
  Block *block = &blocks[0], *other = &blocks[1];
  Gatherer gatherer(conv, first, pixels);
  gatherer.Begin(*block);
  gatherer.CopyUpTo(kPixels);
  float *now = sums[0], *before = sums[1];
  for (int64_t begin = 0; begin < pixels; begin += kPixels) {
    const uint16_t* w = conv.packed;
    for (int64_t turn = 0; turn < turns; ++turn) {
      const int64_t o = turn * kOutputs;
      const bool two = conv.out - o > kTileFloats;
      if (two)
        Multiply<2>(steps, block->x, x_step, w);
      else
        Multiply<1>(steps, block->x, x_step, w);
      w += steps * 2 * kTileElements;
      if (turn > 0)
        store(conv, o - kOutputs, before, *block);
      else if (begin > 0)
        store(conv, (turns - 1) * kOutputs, before, *other);
      if (turn == 0) gatherer.Begin(*other);
      gatherer.CopyUpTo(kPixels * (turn + 1) / turns);
      if (two)
        StoreSums<2>(now);
      else
        StoreSums<1>(now);
      float* const sum = now;
      now = before;
      before = sum;
    }
    if (conv.y_grid.stride > 1) ZeroBetween(conv, *block);
    Block* const done = block;
    block = other;
    other = done;
  }
  store(conv, (turns - 1) * kOutputs, before, *other);
}

constexpr TiledPointwiseKernel kKernel{Packed, Pack, Scratch, Run};

}  // namespace

}  // namespace torchgraft
