#pragma once

// What pointwise.h's loops for tiles read: weights as tiles, and pixels in blocks.

#include "torch/kernels/conv1x1/pointwise.h"
#include "torch/kernels/isa/amx_pack.h"

namespace torchgraft {

namespace {

// Two tiles of pixels × two of outputs are summed at once. The pixels are copied together first,
// which fills up the last inputs and pixels with zeros, whatever their strides in memory; they stay
// in the first-level cache until all outputs have read them.
constexpr int64_t kPixels = 2 * kTileRows;
constexpr int64_t kOutputs = 2 * kTileFloats;

inline int64_t Steps(int64_t in) { return TilesOf(in, kTileInputs); }

// Of a copied pixel, in elements: an odd number of cache lines, or a tile's rows would fall into
// few sets of the cache.
inline int64_t PixelStep(int64_t in) { return (Steps(in) | 1) * kTileInputs; }

inline int64_t Packed(int64_t in, int64_t out) {
  return Steps(in) * TilesOf(out, kTileFloats) * kTileElements;
}

// Of two blocks of pixels: one is read while the next is copied.
inline int64_t Scratch(int64_t in) { return 2 * kPixels * PixelStep(in); }

// A tile's rows are pairs of inputs of 16 outputs. Weights that lie as [out][in] are transposed.
inline void PackTransposed(int64_t inputs, int64_t outputs, const uint16_t* weight,
                           int64_t out_step, const uint16_t* zeros, uint16_t* tile) {
  const uint16_t* rows[kTileFloats];
  for (int64_t o = 0; o < kTileFloats; ++o) rows[o] = o < outputs ? weight + o * out_step : zeros;
  for (int64_t i = 0; i < inputs; i += 8) TransposePairs(rows, i, tile + i * kTileFloats);
}

inline void PackInterleaved(int64_t inputs, int64_t outputs, const uint16_t* weight,
                            int64_t in_step, uint16_t* tile) {
  const auto there = static_cast<__mmask16>(FirstOf32(outputs));
  for (int64_t i = 0; i < inputs; i += 2, weight += 2 * in_step) {
    const __m512i pairs = PairsOfSixteen(_mm256_maskz_loadu_epi16(there, weight),
                                         _mm256_maskz_loadu_epi16(there, weight + in_step));
    _mm512_store_si512(tile + i * kTileFloats, pairs);
  }
}

// As [two tiles of outputs][tile of inputs][two tiles].
inline void Pack(int64_t in, int64_t out, const uint16_t* weight, int64_t in_step, int64_t out_step,
                 uint16_t* packed) {
  alignas(64) static constexpr uint16_t kZeros[kTileInputs] = {};
  const int64_t tiles = TilesOf(out, kTileFloats);
  for (int64_t t = 0; t < tiles; t += 2) {
    const int64_t together = tiles - t < 2 ? 1 : 2;
    for (int64_t i = 0; i < in; i += kTileInputs) {
      const int64_t inputs = in - i < kTileInputs ? in - i : kTileInputs;
      for (int64_t o = t * kTileFloats; o < (t + together) * kTileFloats; o += kTileFloats) {
        const int64_t outputs = out - o < kTileFloats ? out - o : kTileFloats;
        const uint16_t* const from = weight + i * in_step + o * out_step;
        if (in_step == 1)
          PackTransposed(inputs, outputs, from, out_step, kZeros, packed);
        else
          PackInterleaved(inputs, outputs, from, in_step, packed);
        for (int64_t z = inputs * kTileFloats; z < kTileElements; z += kTileInputs)
          _mm512_store_si512(packed + z, _mm512_setzero_si512());
        packed += kTileElements;
      }
    }
  }
}

// 32 pixels, or fewer at the end.
struct Block {
  int64_t count = 0;
  uint16_t* x;                  // copied, inputs that are not there as zeros
  int64_t places[kPixels + 1];  // in y, and of the pixel after the last
};

// Copies one block after the other, some pixels at a time.
class Gatherer {
 public:
  Gatherer(const TiledPointwise& conv, int64_t first, int64_t pixels)
      : conv_(conv), from_(conv.x_grid, first), to_(conv.y_grid, first), left_(pixels) {}

  void Begin(Block& block) {
    block.count = left_ < kPixels ? left_ : kPixels;
    left_ -= block.count;
    block_ = &block;
    at_ = 0;
    block.places[0] = to_.at() * conv_.out;
  }

  // Up to the pixel `end` of the block.
  void CopyUpTo(int64_t end) {
    const int64_t in = conv_.in, whole = in / kTileInputs * kTileInputs;
    const __mmask32 rest = FirstOf32(in - whole);
    for (; at_ < end && at_ < block_->count; from_.Next()) {
      const uint16_t* const from = conv_.x + from_.at() * in;
      uint16_t* const to = block_->x + at_ * PixelStep(in);
      for (int64_t i = 0; i < in; i += kTileInputs)
        __builtin_prefetch(from + kAhead * in + i, /*rw=*/0, /*locality=*/2);
      for (int64_t i = 0; i < conv_.out; i += kTileInputs)
        __builtin_prefetch(conv_.y + block_->places[at_] + i, /*rw=*/1);
      for (int64_t i = 0; i < whole; i += kTileInputs)
        _mm512_store_si512(to + i, _mm512_loadu_si512(from + i));
      if (rest != 0) _mm512_store_si512(to + whole, _mm512_maskz_loadu_epi16(rest, from + whole));
      to_.Next();
      block_->places[++at_] = to_.at() * conv_.out;
    }
  }

 private:
  static constexpr int64_t kAhead = 64;  // pixels

  const TiledPointwise& conv_;
  StridedPixelIterator from_, to_;
  int64_t left_;
  Block* block_ = nullptr;
  int64_t at_ = 0;
};

}  // namespace

}  // namespace torchgraft
