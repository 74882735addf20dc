#pragma once

// The kernel kPointwiseGradientFp32.

#include <immintrin.h>

#include "torch/kernels/conv1x1/weight_grad/weight_grad.h"
#include "torch/kernels/conv3x3_grouped/pack.h"

namespace torchgraft {

namespace {

// Pixels that are summed in registers before they are added to memory: few enough that three slabs
// of inputs and one of gradients stay in a first-level cache of 32 KiB.
constexpr int64_t kBlock = 192;
// From a slab to the next, in elements. An odd number of cache lines, or what is packed of a pixel
// would fall into few sets of the cache.
constexpr int64_t kSlabStep = (kBlock + 2) * kSlab;

// Outputs that are summed together: with three slabs of inputs, in twelve registers.
constexpr int kOutputs = 4;

using Gradient = PointwiseGradient<float>;

// As [slab of 8 channels][pixel][8].
void Pack(const float* from, int64_t channels, float* to) {
  for (int64_t s = 0; s < channels / kSlab; ++s)
    _mm256_store_ps(to + s * kSlabStep, _mm256_loadu_ps(from + s * kSlab));
}

// The sums of kOutputs × kSlabs slabs of inputs, of packed pixels.
template <int kSlabs>
void Tile(int64_t pixels, const float* x, const float* dy, int64_t sums_step, float* sums) {
  __m256 total[kOutputs][kSlabs];
#pragma GCC unroll 16
  for (int i = 0; i < kOutputs * kSlabs; ++i) total[i / kSlabs][i % kSlabs] = _mm256_setzero_ps();
#pragma GCC unroll 4
  for (int64_t p = 0; p < pixels; ++p, x += kSlab, dy += kSlab) {
    __m256 inputs[kSlabs];
#pragma GCC unroll 4
    for (int s = 0; s < kSlabs; ++s) inputs[s] = _mm256_load_ps(x + s * kSlabStep);
#pragma GCC unroll 4
    for (int o = 0; o < kOutputs; ++o) {
      const __m256 gradient = _mm256_broadcast_ss(dy + o);
      // Written out, since GCC moves the sums between registers where it may choose their places.
#pragma GCC unroll 4
      for (int s = 0; s < kSlabs; ++s)
        asm("vfmadd231ps %2, %1, %0" : "+x"(total[o][s]) : "x"(gradient), "x"(inputs[s]));
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kOutputs * kSlabs; ++i) {
    float* const to = sums + i / kSlabs * sums_step + i % kSlabs * kSlab;
    _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), total[i / kSlabs][i % kSlabs]));
  }
}

void TileOf(int slabs, int64_t pixels, const float* x, const float* dy, int64_t sums_step,
            float* sums) {
  if (slabs == 3)
    Tile<3>(pixels, x, dy, sums_step, sums);
  else if (slabs == 2)
    Tile<2>(pixels, x, dy, sums_step, sums);
  else
    Tile<1>(pixels, x, dy, sums_step, sums);
}

// Fetches the pixels of the next block, some with every tile of this one.
class NextBlock {
 public:
  NextBlock(const Gradient& gradient, int64_t begin, int64_t end, int64_t tiles)
      : gradient_(gradient),
        iterator_(gradient.grid, gradient.first + begin),
        begin_(begin),
        pixels_(end - begin),
        tiles_(tiles) {}

  void FetchPart() {
    const int64_t end = begin_ + pixels_ * (tile_ + 1) / tiles_;
    for (int64_t p = begin_ + pixels_ * tile_ / tiles_; p < end; ++p, iterator_.Next()) {
      Fetch(gradient_.x + iterator_.at() * gradient_.in, gradient_.in);
      Fetch(gradient_.dy + p * gradient_.dy_step, gradient_.out);
    }
    ++tile_;
  }

 private:
  static void Fetch(const float* from, int64_t count) {
    torchgraft::Fetch(reinterpret_cast<const char*>(from), count * sizeof(float));
  }

  const Gradient& gradient_;
  StridedPixelIterator iterator_;
  int64_t begin_, pixels_, tiles_;
  int64_t tile_ = 0;
};

int64_t Scratch(const Gradient& gradient) {
  return (gradient.in + gradient.out) / kSlab * kSlabStep;
}

int64_t Sums(int64_t in, int64_t out) { return in * out; }

void Sum(const Gradient& gradient, float* scratch, float* sums) {
  const int64_t in = gradient.in, out = gradient.out, pixels = gradient.pixels;
  float* const packed_x = scratch;
  float* const packed_dy = scratch + in / kSlab * kSlabStep;
  for (int64_t i = 0; i < in * out; i += kSlab) _mm256_storeu_ps(sums + i, _mm256_setzero_ps());
  int64_t panels = 0;
  for (int64_t c = 0; c < in; c += PanelOf<kMostPanel>((in - c) / kSlab) * kSlab) ++panels;
  const int64_t blocks = (pixels + kBlock - 1) / kBlock;
  StridedPixelIterator source(gradient.grid, gradient.first);
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t begin = pixels * b / blocks, end = pixels * (b + 1) / blocks;
    NextBlock next(gradient, end, b + 1 < blocks ? pixels * (b + 2) / blocks : end,
                   panels * (out / kOutputs));
    for (int64_t p = 0; p < end - begin; ++p, source.Next())
      Pack(gradient.x + source.at() * in, in, packed_x + p * kSlab);
    for (int64_t p = 0; p < end - begin; ++p)
      Pack(gradient.dy + (begin + p) * gradient.dy_step, out, packed_dy + p * kSlab);
    for (int64_t c = 0; c < in;) {
      const int slabs = PanelOf<kMostPanel>((in - c) / kSlab);
      for (int64_t o = 0; o < out; o += kOutputs) {
        next.FetchPart();
        TileOf(slabs, end - begin, packed_x + c / kSlab * kSlabStep,
               packed_dy + o / kSlab * kSlabStep + o % kSlab, in, sums + o * in + c);
      }
      c += slabs * kSlab;
    }
  }
}

void Add(int64_t in, int64_t begin, int64_t end, int64_t parts, int64_t part_step,
         const float* sums, float* dweight) {
  for (int64_t i = begin * in; i < end * in; i += kSlab) {
    __m256 sum = _mm256_loadu_ps(sums + i);
    for (int64_t p = 1; p < parts; ++p)
      sum = _mm256_add_ps(sum, _mm256_loadu_ps(sums + p * part_step + i));
    _mm256_storeu_ps(dweight + i, sum);
  }
}

constexpr PointwiseGradientKernel<float> kKernel{Scratch, Sums, Sum, Add};

}  // namespace

}  // namespace torchgraft
