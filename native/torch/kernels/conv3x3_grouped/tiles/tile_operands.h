#pragma once

// The products that grouped_conv.h's outputs and data gradients by tiles are made of: four tiles of
// 16 places × 16 channels of sums. What the four before have come to is rounded and stored
// meanwhile: the one keeps tiles busy, the other vectors.

#include "torch/kernels/conv3x3_grouped/tiles/channel_blocks.h"
#include "torch/kernels/conv3x3_grouped/tiles/epilogue_store.h"

namespace torchgraft {

namespace {

// Of a column of outputs and those that it meets.
struct Meeting {
  const uint16_t* weights;
  int64_t columns;
  int64_t column;   // in elements, from one to the next
  int64_t taps[6];  // where tiles begin to read
};

constexpr int64_t kPairBytes = 2 * kColumn * 2;  // of two pixels

// Of stride 1: one or two blocks of 32 places, each a tile of the even and one of the odd ones.
template <bool kTwo, class Sink>
inline __attribute__((always_inline)) void SumPairs(const Meeting& meeting, const uint16_t* x,
                                                    FetchSteadily& next, Sink& drain, float* sums) {
  constexpr int64_t kBlock = 2 * kTileRows * kColumn;
  const uint16_t* w = meeting.weights;
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (kTwo) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t c = 0; c < meeting.columns; ++c, x += meeting.column) {
#pragma GCC unroll 6
    for (int t = 0; t < 6; ++t) {
      const uint16_t* const from = x + meeting.taps[t];
      next.Step();
      const uint16_t* const tap = w + (t / 2 * 4 + t % 2) * kTileElements;
      _tile_loadd(4, tap, kTileBytes);
      _tile_loadd(6, from, kPairBytes);
      _tile_dpbf16ps(0, 6, 4);
      drain.Some(3);
      _tile_loadd(5, tap + 2 * kTileElements, kTileBytes);
      _tile_dpbf16ps(1, 6, 5);
      drain.Some(3);
      if constexpr (kTwo) {
        _tile_loadd(7, from + kBlock, kPairBytes);
        _tile_dpbf16ps(2, 7, 4);
        drain.Some(3);
        _tile_dpbf16ps(3, 7, 5);
        drain.Some(3);
      }
    }
    w += 12 * kTileElements;
  }
  drain.All();
  constexpr int64_t kBoth = 2 * kTileBytes;
  _tile_stored(0, sums, kBoth);
  _tile_stored(1, sums + kTileFloats, kBoth);
  if constexpr (kTwo) {
    _tile_stored(2, sums + 2 * kTileSums, kBoth);
    _tile_stored(3, sums + 2 * kTileSums + kTileFloats, kBoth);
  }
}

// Outputs of stride 2: up to four blocks of 16 places.
template <int kCount, class Sink>
inline __attribute__((always_inline)) void SumStride(const Meeting& meeting, const uint16_t* x,
                                                     FetchSteadily& next, Sink& drain,
                                                     float* sums) {
  constexpr int64_t kBlock = kTileRows * 2 * kColumn;
  const uint16_t* w = meeting.weights;
  _tile_zero(0);
  if constexpr (kCount > 1) _tile_zero(1);
  if constexpr (kCount > 2) _tile_zero(2);
  if constexpr (kCount > 3) _tile_zero(3);
  for (int64_t c = 0; c < meeting.columns; ++c, x += meeting.column) {
#pragma GCC unroll 6
    for (int t = 0; t < 6; ++t, w += kTileElements) {
      const uint16_t* const from = x + meeting.taps[t];
      next.Step();
      _tile_loadd(4, w, kTileBytes);
      _tile_loadd(5, from, kPairBytes);
      _tile_dpbf16ps(0, 5, 4);
      drain.Some(3);
      if constexpr (kCount > 1) {
        _tile_loadd(6, from + kBlock, kPairBytes);
        _tile_dpbf16ps(1, 6, 4);
        drain.Some(3);
      }
      if constexpr (kCount > 2) {
        _tile_loadd(7, from + 2 * kBlock, kPairBytes);
        _tile_dpbf16ps(2, 7, 4);
        drain.Some(3);
      }
      if constexpr (kCount > 3) {
        _tile_loadd(5, from + 3 * kBlock, kPairBytes);
        _tile_dpbf16ps(3, 5, 4);
        drain.Some(3);
      }
    }
  }
  drain.All();
  _tile_stored(0, sums, kTileBytes);
  if constexpr (kCount > 1) _tile_stored(1, sums + kTileSums, kTileBytes);
  if constexpr (kCount > 2) _tile_stored(2, sums + 2 * kTileSums, kTileBytes);
  if constexpr (kCount > 3) _tile_stored(3, sums + 3 * kTileSums, kTileBytes);
}

template <class Sink>
void SumPlaces(int64_t stride, int64_t count, const Meeting& meeting, const uint16_t* x,
               FetchSteadily& next, Sink& drain, float* sums) {
  if (stride == 1)
    count > 2 ? SumPairs<true>(meeting, x, next, drain, sums)
              : SumPairs<false>(meeting, x, next, drain, sums);
  else if (count == 4)
    SumStride<4>(meeting, x, next, drain, sums);
  else if (count == 3)
    SumStride<3>(meeting, x, next, drain, sums);
  else if (count == 2)
    SumStride<2>(meeting, x, next, drain, sums);
  else
    SumStride<1>(meeting, x, next, drain, sums);
}

// Data gradients of stride 2: 16 places of dy make four tiles of dx.
template <class Sink>
inline __attribute__((always_inline)) void SumSpread(const Meeting& meeting, const uint16_t* dy,
                                                     FetchSteadily& next, Sink& drain,
                                                     float* sums) {
  constexpr int64_t kStep = kColumn * 2;
  const uint16_t* w = meeting.weights;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t c = 0; c < meeting.columns; ++c, dy += meeting.column, w += 6 * kTileElements) {
    next.Step();
    _tile_loadd(4, dy + meeting.taps[0], kStep);
    _tile_loadd(6, w, kTileBytes);
    _tile_dpbf16ps(0, 4, 6);
    drain.Some(11);
    _tile_loadd(7, w + kTileElements, kTileBytes);
    _tile_dpbf16ps(1, 4, 7);
    drain.Some(11);
    _tile_loadd(6, w + 2 * kTileElements, kTileBytes);
    _tile_dpbf16ps(2, 4, 6);
    drain.Some(11);
    _tile_loadd(7, w + 4 * kTileElements, kTileBytes);
    _tile_dpbf16ps(3, 4, 7);
    drain.Some(11);
    _tile_loadd(5, dy + meeting.taps[1], kStep);
    _tile_loadd(6, w + 3 * kTileElements, kTileBytes);
    _tile_dpbf16ps(2, 5, 6);
    drain.Some(11);
    _tile_loadd(7, w + 5 * kTileElements, kTileBytes);
    _tile_dpbf16ps(3, 5, 7);
    drain.Some(11);
  }
  drain.All();
  _tile_stored(0, sums, kTileBytes);
  _tile_stored(1, sums + kTileSums, kTileBytes);
  _tile_stored(2, sums + 2 * kTileSums, kTileBytes);
  _tile_stored(3, sums + 3 * kTileSums, kTileBytes);
}

}  // namespace

}  // namespace torchgraft
