#pragma once

// What the tiles of weight_grad.h's kernel read: pixels in chunks, packed while the chunk before
// is multiplied.

#include "torch/kernels/conv1x1/weight_grad/weight_grad.h"
#include "torch/kernels/isa/amx_pack.h"

namespace torchgraft {

namespace {

// A product's depth is pixels: of outputs' gradients a tile has 16 channels of 32 pixels, of
// inputs 16 pairs of pixels of 16 channels. Of each the tiles of a chunk of pixels lie side by
// side, so that sums stay in tiles while they run through it.
using Gradient = PointwiseGradient<uint16_t>;

constexpr int64_t kPixels = kTileInputs;  // of a tile

// Pixels. Two rows of tiles of a chunk should stay in a first-level cache of 48 KiB, two chunks and
// the sums in a second level of 2 MiB. Deeper chunks read and write sums less often; the first one
// is packed while nothing is multiplied.
constexpr int64_t kMostChunk = 256, kLeastChunk = 128;
constexpr int64_t kChunkBytes = 400 * 1024;

// From a channel's tiles of a chunk to the next one's. Three cache lines more, or what is packed of
// a pixel would fall into few sets of a cache.
constexpr int64_t TileStep(int64_t steps) { return steps * kTileElements + 3 * kTileInputs; }

inline int64_t InTiles(int64_t in) { return TilesOf(in, kTileFloats); }
inline int64_t OutTiles(int64_t out) { return TilesOf(out, kTileRows); }

// Chunks of a whole number of tiles, as equal as can be.
struct Chunks {
  int64_t steps;  // tiles of 32 pixels, all in all
  int64_t count;

  explicit Chunks(const Gradient& gradient) : steps(TilesOf(gradient.pixels, kPixels)) {
    const int64_t tiles = InTiles(gradient.in) + OutTiles(gradient.out);
    const int64_t fit = kChunkBytes / (tiles * kTileElements * 2) * kPixels;
    const int64_t most = fit > kMostChunk ? kMostChunk : fit < kLeastChunk ? kLeastChunk : fit;
    count = TilesOf(steps, most / kPixels);
  }

  int64_t Steps(int64_t chunk) const { return steps * (chunk + 1) / count - steps * chunk / count; }
  int64_t Longest() const { return TilesOf(steps, count); }
};

// 32 channels of two pixels make two tiles' rows, of which the first has channels 0–3, 8–11, … and
// the second those between, as the cheapest instructions interleave. Add puts them in order.
inline void PackInputs(const uint16_t* const* rows, int64_t at, int64_t count, int64_t tile_step,
                       uint16_t* to) {
  const __mmask32 there = FirstOf32(count);
  if (count > kTileFloats) {
#pragma GCC unroll 4
    for (int r = 0; r < kTileRows; ++r) {
      const __m512i a = _mm512_maskz_loadu_epi16(there, rows[2 * r] + at);
      const __m512i b = _mm512_maskz_loadu_epi16(there, rows[2 * r + 1] + at);
      _mm512_store_si512(to + r * kTileInputs, _mm512_unpacklo_epi16(a, b));
      _mm512_store_si512(to + r * kTileInputs + tile_step, _mm512_unpackhi_epi16(a, b));
    }
    return;
  }
#pragma GCC unroll 4
  for (int r = 0; r < kTileRows; ++r) {
    const __m256i a = _mm256_maskz_loadu_epi16(static_cast<__mmask16>(there), rows[2 * r] + at);
    const __m256i b = _mm256_maskz_loadu_epi16(static_cast<__mmask16>(there), rows[2 * r + 1] + at);
    _mm512_store_si512(to + r * kTileInputs, PairsOfSixteen(a, b));
  }
}

inline int64_t MostChannels(const Gradient& gradient) {
  return gradient.in > gradient.out ? gradient.in : gradient.out;
}

inline void ZeroRows(uint16_t* to) {
  for (int r = 0; r < 8; ++r) _mm512_store_si512(to + r * kTileInputs, _mm512_setzero_si512());
}

// Packs chunks of pixels in small parts that can stand between products of tiles. Those are few
// instructions that take long, so that packing beside them costs little.
class Packer {
 public:
  // `zeros` holds as many as there are channels.
  Packer(const Gradient& gradient, uint16_t* zeros)
      : gradient_(gradient),
        zeros_(zeros),
        iterator_(gradient.grid, gradient.first),
        in_parts_(TilesOf(gradient.in, kInputsOfPart)),
        parts_(in_parts_ + gradient.out / kOutputsOfPart) {
    for (int64_t i = 0; i < MostChannels(gradient); ++i) zeros[i] = 0;
  }

  // The next chunk, while `turns` go by.
  void Begin(int64_t steps, int64_t turns, uint16_t* to) {
    to_ = to;
    dy_at_ = InTiles(gradient_.in) * TileStep(steps);
    tile_step_ = TileStep(steps);
    left_ = steps * parts_;
    of_turn_ = left_;
    turns_ = turns;
    due_ = 0;
  }

  void Turn() {
    for (due_ += of_turn_; due_ >= turns_; due_ -= turns_) Part();
  }

  void Finish() {
    while (left_ > 0) Part();
  }

 private:
  static constexpr int64_t kInputsOfPart = 32, kOutputsOfPart = 8;

  void Part() {
    if (part_ == 0) TakePixels();
    if (part_ < in_parts_) {
      const int64_t c = part_ * kInputsOfPart;
      Fetch(x_, gradient_.in, c);
      PackInputs(x_, c, gradient_.in - c, tile_step_, to_ + c / kTileFloats * tile_step_);
    } else {
      const int64_t c = (part_ - in_parts_) * kOutputsOfPart;
      uint16_t* const to = to_ + dy_at_ + c / kTileRows * tile_step_ + c % kTileRows * kTileInputs;
      if (c % kTileInputs == 0) Fetch(dy_, gradient_.dy_step, c);
      TransposeEight(dy_, c, to, kTileInputs);
      const bool half_a_tile = c + kOutputsOfPart == gradient_.out && c % kTileRows == 0;
      if (half_a_tile) ZeroRows(to + kOutputsOfPart * kTileInputs);
    }
    --left_;
    if (++part_ < parts_) return;
    part_ = 0;
    to_ += kTileElements;
  }

  // A cache line of each pixel some way ahead, and no nearer than the second-level cache: tiles are
  // in the first. With stride 2 some are not read.
  static void Fetch(const uint16_t* const* rows, int64_t step, int64_t at) {
    constexpr int64_t kAhead = 64;  // pixels
    for (int64_t p = 0; p < kPixels; ++p)
      __builtin_prefetch(rows[p] + kAhead * step + at, /*rw=*/0, /*locality=*/2);
  }

  // The next 32, as rows; zeros after the last.
  void TakePixels() {
    const auto [in, out, pixels, x, grid, first, dy, dy_step] = gradient_;
    const int64_t there = pixels - at_ < kPixels ? pixels - at_ : kPixels;
    for (int64_t p = 0; p < there; ++p) dy_[p] = dy + (at_ + p) * dy_step;
    if (grid.stride == 1) {
      for (int64_t p = 0; p < there; ++p) x_[p] = x + (first + at_ + p) * in;
    } else {
      for (int64_t p = 0; p < there; ++p, iterator_.Next()) x_[p] = x + iterator_.at() * in;
    }
    for (int64_t p = there; p < kPixels; ++p) x_[p] = dy_[p] = zeros_;
    at_ += there;
  }

  const Gradient& gradient_;
  const uint16_t* zeros_;
  StridedPixelIterator iterator_;
  int64_t at_ = 0;  // pixels taken
  const uint16_t *x_[kPixels], *dy_[kPixels];
  int64_t in_parts_, parts_;  // of a tile of pixels
  int64_t part_ = 0;
  uint16_t* to_ = nullptr;
  int64_t dy_at_ = 0, tile_step_ = 0;
  int64_t left_ = 0;  // parts of the chunk
  int64_t of_turn_ = 0, turns_ = 1, due_ = 0;
};

}  // namespace

}  // namespace torchgraft
