#pragma once

// The numbering of pixels (places) and of channel blocks in grouped_conv.h's kernel by tiles. Rows
// of outputs, and of images of one or more of them, follow each other in one line in which each row
// ends in a zero and each image in a row of zeros: from an output to what a tap reads it is as far
// everywhere, so tiles run across the ends of rows, and what they come to there is dropped.

#include <immintrin.h>

#include "torch/kernels/conv3x3_grouped/grouped_conv.h"

namespace torchgraft {

namespace {

constexpr int64_t kChannelBlock = 16;  // channels
constexpr int64_t kPointer = 4;        // elements

inline int64_t ChannelBlocks(const GroupedConv& conv) {
  return (conv.channels + kChannelBlock - 1) / kChannelBlock;
}

// Of a block of outputs: the blocks that its groups lie in, from first to before end.
struct GroupSpan {
  int64_t first, end;

  GroupSpan(const GroupedConv& conv, int64_t block) {
    const int64_t width = conv.group_width;
    const int64_t channels_end =
        (block + 1) * kChannelBlock < conv.channels ? (block + 1) * kChannelBlock : conv.channels;
    first = block * kChannelBlock / width * width / kChannelBlock;
    end = ((channels_end + width - 1) / width * width + kChannelBlock - 1) / kChannelBlock;
  }
  int64_t Count() const { return end - first; }
};

// Pairs of a block of outputs and one of inputs that contributes to it, of the first blocks of
// outputs.
inline int64_t BlockPairs(const GroupedConv& conv, int64_t blocks) {
  int64_t count = 0;
  for (int64_t c = 0; c < blocks; ++c) count += GroupSpan(conv, c).Count();
  return count;
}

inline int64_t RoundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// The outputs of rows, as they are numbered.
struct Grid {
  int64_t images;
  int64_t rows;   // of each image
  int64_t width;  // outputs in a row
  int64_t pitch;  // from a row to the next: even, so that pairs of places are in each row alike
  int64_t image;  // from an image to the next

  Grid(const GroupedConv& conv, int64_t all_rows)
      : images(all_rows > conv.out_height ? all_rows / conv.out_height : 1),
        rows(all_rows / images),
        width(conv.out_width),
        pitch(RoundUp(conv.out_width + 1, 2)),
        image((rows + 1) * pitch) {}

  int64_t Count() const { return (images - 1) * image + rows * pitch; }
};

// Bytes that fall into all sets of a cache: an odd number of its lines.
inline int64_t PadToOddCacheLines(int64_t bytes) { return (RoundUp(bytes, 64) / 64 | 1) * 64; }

// Fetches what the next piece will pack while this one is packed and summed, as much at each of
// `steps`, and no nearer than the second-level cache.
class PrefetchPacer {
 public:
  PrefetchPacer(const uint16_t* from, int64_t count, int64_t steps)
      : at_(reinterpret_cast<const char*>(from)),
        to_(at_),
        end_(at_ + count * 2),
        bytes_(count * 2 / steps + 1) {}

  inline __attribute__((always_inline)) void Step() {
    to_ = to_ + bytes_ < end_ ? to_ + bytes_ : end_;
    for (; at_ < to_; at_ += 64) __builtin_prefetch(at_, /*rw=*/0, /*locality=*/2);
  }

 private:
  const char* at_;
  const char* to_;
  const char* end_;
  int64_t bytes_;
};

// Whether numbers are finite, of many bfloat16 ones.
class FiniteCheck {
 public:
  void Observe(__m256i v) { most_ = _mm256_max_epu16(most_, _mm256_add_epi16(v, v)); }
  void Observe(__m512i v) { wide_ = _mm512_max_epu16(wide_, _mm512_add_epi16(v, v)); }
  bool AllFinite() const {
    const __m512i all = _mm512_max_epu16(wide_, _mm512_castsi256_si512(most_));
    const __m512i infinite = _mm512_set1_epi16(static_cast<int16_t>(0xff00));  // twice its bits
    return _mm512_cmpge_epu16_mask(all, infinite) == 0;
  }

 private:
  __m256i most_ = _mm256_setzero_si256();  // without their signs
  __m512i wide_ = _mm512_setzero_si512();
};

inline void RequestFallback(const GroupedConv& conv) {
  __atomic_store_n(conv.needs_fallback, true, __ATOMIC_RELAXED);
}

}  // namespace

}  // namespace torchgraft
