#pragma once

// The products that grouped_conv.h's outputs and data gradients by tiles are made of: four tiles of
// 16 places × 16 channels of sums. What the four before have come to is rounded and stored
// meanwhile: the one keeps tiles busy, the other vectors.

#include "torch/kernels/conv3x3_grouped/tiles/channel_blocks.h"
#include "torch/kernels/conv3x3_grouped/tiles/epilogue_store.h"

namespace torchgraft {

namespace {

// Of a block of outputs and the blocks of inputs that contribute to it.
struct TileOperands {
  const uint16_t* weights;
  int64_t blocks;
  int64_t block;    // in elements, from one to the next
  int64_t taps[6];  // where tiles begin to read
};

constexpr int64_t kPairBytes = 2 * kChannelBlock * 2;  // of two pixels

// Of stride 1: one or two blocks of 32 places, each a tile of the even and one of the odd ones.
template <bool kTwo, class Epilogue>
inline __attribute__((always_inline)) void SumPairs(const TileOperands& operands, const uint16_t* x,
                                                    PrefetchPacer& next, Epilogue& epilogue,
                                                    float* sums) {
  constexpr int64_t kBlock = 2 * kTileRows * kChannelBlock;
  const uint16_t* w = operands.weights;
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (kTwo) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t c = 0; c < operands.blocks; ++c, x += operands.block) {
#pragma GCC unroll 6
    for (int t = 0; t < 6; ++t) {
      const uint16_t* const from = x + operands.taps[t];
      next.Step();
      const uint16_t* const tap = w + (t / 2 * 4 + t % 2) * kTileElements;
      _tile_loadd(4, tap, kTileBytes);
      _tile_loadd(6, from, kPairBytes);
      _tile_dpbf16ps(0, 6, 4);
      epilogue.Store(3);
      _tile_loadd(5, tap + 2 * kTileElements, kTileBytes);
      _tile_dpbf16ps(1, 6, 5);
      epilogue.Store(3);
      if constexpr (kTwo) {
        _tile_loadd(7, from + kBlock, kPairBytes);
        _tile_dpbf16ps(2, 7, 4);
        epilogue.Store(3);
        _tile_dpbf16ps(3, 7, 5);
        epilogue.Store(3);
      }
    }
    w += 12 * kTileElements;
  }
  epilogue.Flush();
  constexpr int64_t kBoth = 2 * kTileBytes;
  _tile_stored(0, sums, kBoth);
  _tile_stored(1, sums + kTileFloats, kBoth);
  if constexpr (kTwo) {
    _tile_stored(2, sums + 2 * kTileSums, kBoth);
    _tile_stored(3, sums + 2 * kTileSums + kTileFloats, kBoth);
  }
}

// Outputs of stride 2: up to four blocks of 16 places.
template <int kCount, class Epilogue>
inline __attribute__((always_inline)) void SumStrided(const TileOperands& operands,
                                                      const uint16_t* x, PrefetchPacer& next,
                                                      Epilogue& epilogue, float* sums) {
  constexpr int64_t kBlock = kTileRows * 2 * kChannelBlock;
  const uint16_t* w = operands.weights;
  _tile_zero(0);
  if constexpr (kCount > 1) _tile_zero(1);
  if constexpr (kCount > 2) _tile_zero(2);
  if constexpr (kCount > 3) _tile_zero(3);
  for (int64_t c = 0; c < operands.blocks; ++c, x += operands.block) {
#pragma GCC unroll 6
    for (int t = 0; t < 6; ++t, w += kTileElements) {
      const uint16_t* const from = x + operands.taps[t];
      next.Step();
      _tile_loadd(4, w, kTileBytes);
      _tile_loadd(5, from, kPairBytes);
      _tile_dpbf16ps(0, 5, 4);
      epilogue.Store(3);
      if constexpr (kCount > 1) {
        _tile_loadd(6, from + kBlock, kPairBytes);
        _tile_dpbf16ps(1, 6, 4);
        epilogue.Store(3);
      }
      if constexpr (kCount > 2) {
        _tile_loadd(7, from + 2 * kBlock, kPairBytes);
        _tile_dpbf16ps(2, 7, 4);
        epilogue.Store(3);
      }
      if constexpr (kCount > 3) {
        _tile_loadd(5, from + 3 * kBlock, kPairBytes);
        _tile_dpbf16ps(3, 5, 4);
        epilogue.Store(3);
      }
    }
  }
  epilogue.Flush();
  _tile_stored(0, sums, kTileBytes);
  if constexpr (kCount > 1) _tile_stored(1, sums + kTileSums, kTileBytes);
  if constexpr (kCount > 2) _tile_stored(2, sums + 2 * kTileSums, kTileBytes);
  if constexpr (kCount > 3) _tile_stored(3, sums + 3 * kTileSums, kTileBytes);
}

template <class Epilogue>
void SumPlaces(int64_t stride, int64_t count, const TileOperands& operands, const uint16_t* x,
               PrefetchPacer& next, Epilogue& epilogue, float* sums) {
  if (stride == 1)
    count > 2 ? SumPairs<true>(operands, x, next, epilogue, sums)
              : SumPairs<false>(operands, x, next, epilogue, sums);
  else if (count == 4)
    SumStrided<4>(operands, x, next, epilogue, sums);
  else if (count == 3)
    SumStrided<3>(operands, x, next, epilogue, sums);
  else if (count == 2)
    SumStrided<2>(operands, x, next, epilogue, sums);
  else
    SumStrided<1>(operands, x, next, epilogue, sums);
}

// Data gradients of stride 2: 16 places of dy make four tiles of dx.
template <class Epilogue>
inline __attribute__((always_inline)) void SumStridedGradient(const TileOperands& operands,
                                                              const uint16_t* dy,
                                                              PrefetchPacer& next,
                                                              Epilogue& epilogue, float* sums) {
  constexpr int64_t kStep = kChannelBlock * 2;
  const uint16_t* w = operands.weights;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t c = 0; c < operands.blocks; ++c, dy += operands.block, w += 6 * kTileElements) {
    next.Step();
    _tile_loadd(4, dy + operands.taps[0], kStep);
    _tile_loadd(6, w, kTileBytes);
    _tile_dpbf16ps(0, 4, 6);
    epilogue.Store(11);
    _tile_loadd(7, w + kTileElements, kTileBytes);
    _tile_dpbf16ps(1, 4, 7);
    epilogue.Store(11);
    _tile_loadd(6, w + 2 * kTileElements, kTileBytes);
    _tile_dpbf16ps(2, 4, 6);
    epilogue.Store(11);
    _tile_loadd(7, w + 4 * kTileElements, kTileBytes);
    _tile_dpbf16ps(3, 4, 7);
    epilogue.Store(11);
    _tile_loadd(5, dy + operands.taps[1], kStep);
    _tile_loadd(6, w + 3 * kTileElements, kTileBytes);
    _tile_dpbf16ps(2, 5, 6);
    epilogue.Store(11);
    _tile_loadd(7, w + 5 * kTileElements, kTileBytes);
    _tile_dpbf16ps(3, 5, 7);
    epilogue.Store(11);
  }
  epilogue.Flush();
  _tile_stored(0, sums, kTileBytes);
  _tile_stored(1, sums + kTileSums, kTileBytes);
  _tile_stored(2, sums + 2 * kTileSums, kTileBytes);
  _tile_stored(3, sums + 3 * kTileSums, kTileBytes);
}

}  // namespace

}  // namespace torchgraft
