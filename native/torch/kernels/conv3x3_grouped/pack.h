#pragma once

// Packed rows and weights of grouped_conv.h's kernels that sum in registers. Rows of images have a
// border of zeros, as [slab of 8 channels][row][x][8]; weights lie in the order in which they are
// read.

#include "torch/kernels/conv3x3_grouped/grouped_conv.h"
#include "torch/kernels/isa/panel_gemm.h"

namespace torchgraft {

namespace {

constexpr int64_t kSlab = 8;  // channels

// Vectors of outputs that are computed together.
constexpr int kMostPanel = 3;

constexpr int64_t kLine = 64;           // bytes that the cache moves at once
constexpr int64_t kAhead = 64 * kLine;  // how far ahead of what is packed is fetched

inline void Fetch(const char* from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += kLine) __builtin_prefetch(from + i);
}

// Fetches what will be packed after what is being computed, a part at a time, and no nearer than
// the second-level cache: the first is full.
class PrefetchAhead {
 public:
  template <typename Element>
  PrefetchAhead(const Element* from, int64_t count, int64_t parts)
      : from_(reinterpret_cast<const char*>(from)),
        bytes_(count * static_cast<int64_t>(sizeof(Element))),
        parts_(parts) {}

  void Parts(int64_t count) {
    const int64_t end = bytes_ * (part_ + count) / parts_;
    for (int64_t i = bytes_ * part_ / parts_; i < end; i += kLine)
      __builtin_prefetch(from_ + i, /*rw=*/0, /*locality=*/2);
    part_ += count;
  }

 private:
  const char* from_;
  int64_t bytes_, parts_;
  int64_t part_ = 0;
};

// Pixels that lie side by side in memory, and where they go.
struct Image {
  int64_t height, width, channels;
};

// From a slab to the next, in elements: never steps that fall into few sets of a cache.
inline int64_t SlabStep(int64_t rows, int64_t padded) {
  return ((rows * padded + 3) / 8 * 8 + 4) * kSlab;
}

// Rows from `first` on, of which some may lie outside, with `left` zeros before and zeros up to
// `padded` pixels after.
template <class Lanes, typename Element>
void PackRows(const Image& image, const Element* from, int64_t first, int64_t rows, int64_t padded,
              int64_t left, Element* to) {
  const int64_t slabs = image.channels / kSlab;
  const int64_t slab_step = SlabStep(rows, padded);
  for (int64_t r = 0; r < rows; ++r, to += padded * kSlab) {
    const bool outside = first + r < 0 || first + r >= image.height;
    const int64_t from_x = outside ? padded : left;
    const int64_t to_x = outside ? padded : left + image.width;
    for (int64_t s = 0; s < slabs; ++s) {
      Element* const row = to + s * slab_step;
      for (int64_t x = 0; x < from_x; ++x) Lanes::ZeroSlab(row + x * kSlab);
      for (int64_t x = to_x; x < padded; ++x) Lanes::ZeroSlab(row + x * kSlab);
    }
    if (outside) continue;
    const Element* pixel = from + (first + r) * image.width * image.channels;
    for (int64_t x = from_x; x < to_x; ++x, pixel += image.channels) {
      Fetch(reinterpret_cast<const char*>(pixel) + kAhead, image.channels * sizeof(Element));
      for (int64_t s = 0; s < slabs; ++s)
        Lanes::CopySlab(pixel + s * kSlab, to + s * slab_step + x * kSlab);
    }
  }
}

// Groups from `begin` to before `end`, packed as [group][panel][slab][tap][input in the
// slab][output in the panel]; inputs that a vector instruction takes together lie beside each other
// for each output.
template <class Lanes, typename Element>
void PackWeights(const GroupedConv& conv, const WeightsToPack<Element>& weights) {
  const Element* const weight = weights.weight;
  const WeightSteps steps = weights.steps;
  const bool for_gradient = weights.for_gradient;
  const int64_t begin = weights.begin, end = weights.end;
  Element* packed = weights.packed + begin * conv.group_width * conv.group_width * 9;
  for (int64_t group = begin * conv.group_width; group < end * conv.group_width;
       group += conv.group_width) {
    for (int64_t first = 0; first < conv.group_width;) {
      const int64_t width =
          PanelOf<kMostPanel>((conv.group_width - first) / Lanes::kLanes) * Lanes::kLanes;
      for (int64_t slab = 0; slab < conv.group_width; slab += kSlab) {
        for (int64_t k = 0; k < 9; ++k) {
          for (int64_t i = slab; i < slab + kSlab; i += Lanes::kInputsPerDot) {
            for (int64_t o = first; o < first + width; ++o) {
              for (int64_t t = i; t < i + Lanes::kInputsPerDot; ++t) {
                const int64_t out = group + (for_gradient ? t : o);
                const int64_t in = for_gradient ? o : t;
                *packed++ =
                    weight[out * steps.out + in * steps.in + k / 3 * steps.ky + k % 3 * steps.kx];
              }
            }
          }
        }
      }
      first += width;
    }
  }
}

}  // namespace

}  // namespace torchgraft
