#pragma once

// What follows the products of tiles: where sums go in the images, and the epilogue that stores
// them there.

#include "torch/kernels/conv3x3_grouped/tiles/pixel_grid.h"
#include "torch/kernels/isa/amx_tiles.h"

namespace torchgraft {

namespace {

constexpr int64_t kBlocks = 4;                    // tiles of sums at a time
constexpr int64_t kPlaces = kBlocks * kTileRows;  // rows of them

// Where rows of sums go, `count` of them; what lies in no image goes to `nowhere`.
struct OutputPointers {
  uint16_t* nowhere;
  int64_t count;
  uint16_t** to;
};

// To outputs y, from row `begin` of each image on.
inline void PointToOutputs(const GroupedConv& conv, const Grid& grid, int64_t begin, uint16_t* y,
                           const OutputPointers& pointers) {
  for (int64_t i = 0; i < pointers.count; ++i) pointers.to[i] = pointers.nowhere;
  for (int64_t p = 0; p < grid.images; ++p) {
    for (int64_t r = 0; r < grid.rows; ++r) {
      uint16_t* const row = y + (p * conv.out_height + begin + r) * conv.out_width * conv.channels;
      uint16_t** const places = pointers.to + p * grid.image + r * grid.pitch;
      for (int64_t i = 0; i < grid.width; ++i) places[i] = row + i * conv.channels;
    }
  }
}

// To data gradients dx of stride 2: of each 16 places the pixels at even rows and columns, those at
// odd columns, at odd rows, at both odd.
inline void PointToStridedGradient(const GroupedConv& conv, const Grid& grid, int64_t begin,
                                   uint16_t* dx, const OutputPointers& pointers) {
  for (int64_t i = 0; i < pointers.count; ++i) pointers.to[i] = pointers.nowhere;
  for (int64_t p = 0; p < grid.images; ++p) {
    for (int64_t r = 0; r < 2 * grid.rows; ++r) {
      const int64_t y = 2 * begin + r;
      if (y >= conv.height) break;
      uint16_t* const row = dx + (p * conv.height + y) * conv.width * conv.channels;
      const int64_t first = p * grid.image + r / 2 * grid.pitch;
      for (int64_t i = 0; i < conv.width; ++i) {
        const int64_t place = first + i / 2;
        pointers
            .to[place / kTileRows * kPlaces + (r % 2 * 2 + i % 2) * kTileRows + place % kTileRows] =
            row + i * conv.channels;
      }
    }
  }
}

// The epilogue of a block's sums: rounds them to bfloat16 and stores them row by row, as many at a
// time as it is told to; with kBiasRelu after a bias and a ReLU.
template <bool kBiasRelu>
class EpilogueStore {
 public:
  explicit EpilogueStore(const GroupedConv& conv)
      : conv_(conv), least_(_mm512_set1_ps(conv.relu ? 0 : -__builtin_inff())) {}

  void Begin(int64_t block, const float* sums, uint16_t* const* to, int64_t count) {
    channel_ = block * kChannelBlock;
    const int64_t left = conv_.channels - channel_;
    channels_ = static_cast<__mmask16>(left < kChannelBlock ? (1 << left) - 1 : 0xffff);
    if (kBiasRelu && conv_.bias != nullptr)
      bias_ = _mm512_maskz_loadu_ps(channels_, conv_.bias + channel_);
    sums_ = sums;
    to_ = to;
    left_ = count;
  }

  // The next few, and of the rows to come those that are as far away as kPlaces fetched.
  inline __attribute__((always_inline)) void Store(int64_t count) {
    for (int64_t i = 0; i < count && left_ > 0; ++i, --left_, ++to_, sums_ += kTileFloats) {
      __builtin_prefetch(to_[kPlaces] + channel_, /*rw=*/1);
      __m512 sum = _mm512_load_ps(sums_);
      if constexpr (kBiasRelu) sum = _mm512_max_ps(least_, _mm512_add_ps(sum, bias_));
      _mm256_mask_storeu_epi16(*to_ + channel_, channels_,
                               reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(sum)));
    }
  }
  void Flush() { Store(left_); }

 private:
  const GroupedConv& conv_;
  __m512 least_;  // 0 for a ReLU
  __m512 bias_ = _mm512_setzero_ps();
  int64_t channel_ = 0;
  __mmask16 channels_ = 0;
  const float* sums_ = nullptr;
  uint16_t* const* to_ = nullptr;
  int64_t left_ = 0;
};

}  // namespace

}  // namespace torchgraft
