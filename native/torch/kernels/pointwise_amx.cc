#include "pointwise.h"

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)

#include "amx_pack.h"

namespace torchgraft {

namespace {

// Two tiles of pixels × two of outputs are summed at once. The pixels are copied together first,
// which fills up the last inputs and pixels with zeros, whatever their strides in memory; they stay
// in the first-level cache until all outputs have read them.
constexpr int64_t kPixels = 2 * kTileRows;
constexpr int64_t kOutputs = 2 * kTileFloats;

int64_t Steps(int64_t in) { return TilesOf(in, kTileInputs); }

// Of a copied pixel, in elements: an odd number of cache lines, or a tile's rows would fall into
// few sets of the cache.
int64_t PixelStep(int64_t in) { return (Steps(in) | 1) * kTileInputs; }

int64_t Packed(int64_t in, int64_t out) {
  return Steps(in) * TilesOf(out, kTileFloats) * kTileElements;
}

// Of two blocks of pixels: one is read while the next is copied.
int64_t Scratch(int64_t in) { return 2 * kPixels * PixelStep(in); }

// A tile's rows are pairs of inputs of 16 outputs. Weights that lie as [out][in] are transposed.
void PackTransposed(int64_t inputs, int64_t outputs, const uint16_t* weight, int64_t out_step,
                    const uint16_t* zeros, uint16_t* tile) {
  const uint16_t* rows[kTileFloats];
  for (int64_t o = 0; o < kTileFloats; ++o) rows[o] = o < outputs ? weight + o * out_step : zeros;
  for (int64_t i = 0; i < inputs; i += 8) TransposePairs(rows, i, tile + i * kTileFloats);
}

void PackInterleaved(int64_t inputs, int64_t outputs, const uint16_t* weight, int64_t in_step,
                     uint16_t* tile) {
  const auto there = static_cast<__mmask16>(FirstOf32(outputs));
  for (int64_t i = 0; i < inputs; i += 2, weight += 2 * in_step) {
    const __m512i pairs = PairsOfSixteen(_mm256_maskz_loadu_epi16(there, weight),
                                         _mm256_maskz_loadu_epi16(there, weight + in_step));
    _mm512_store_si512(tile + i * kTileFloats, pairs);
  }
}

// As [two tiles of outputs][tile of inputs][two tiles].
void Pack(int64_t in, int64_t out, const uint16_t* weight, int64_t in_step, int64_t out_step,
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

// Sums 32 pixels × kTiles tiles of outputs.
template <int kTiles>
void Multiply(int64_t steps, const uint16_t* x, int64_t x_step, const uint16_t* w) {
  SettleMemory();
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
      : conv_(conv), from_(conv.x_met, first), to_(conv.y_met, first), left_(pixels) {}

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
  MetWalk from_, to_;
  int64_t left_;
  Block* block_ = nullptr;
  int64_t at_ = 0;
};

// Adds what follows a convolution, and rounds.
template <bool kMore>
void Finish(const TiledPointwise& conv, int64_t first, const float* sums, const Block& block) {
  const int64_t left = conv.out - first;
  const __mmask32 there = FirstOf32(left);
  const __m512 bias = _mm512_loadu_ps(conv.bias + first);
  const __m512 bias_after =
      left > kTileFloats ? _mm512_loadu_ps(conv.bias + first + kTileFloats) : bias;
  for (int64_t p = 0; p < block.count; ++p, sums += kOutputs) {
    const int64_t at = block.places[p] + first;
    __m512 a = _mm512_add_ps(_mm512_load_ps(sums), bias);
    __m512 b = _mm512_add_ps(_mm512_load_ps(sums + kTileFloats), bias_after);
    if constexpr (kMore) {
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

// Tiles are few instructions that take long: beside each product the sums before are finished and
// pixels of the next block are copied.
void Run(const TiledPointwise& conv, int64_t first, int64_t pixels, uint16_t* scratch) {
  const WholeTiles guard;
  const int64_t steps = Steps(conv.in), x_step = PixelStep(conv.in);
  const int64_t turns = TilesOf(conv.out, kOutputs);
  const auto finish = conv.added != nullptr || conv.relu ? Finish<true> : Finish<false>;
  alignas(64) float sums[2][kPixels * kOutputs];
  // What a pixel that is not there comes to is read, and not kept.
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
        finish(conv, o - kOutputs, before, *block);
      else if (begin > 0)
        finish(conv, (turns - 1) * kOutputs, before, *other);
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
    if (conv.y_met.stride > 1) ZeroBetween(conv, *block);
    Block* const done = block;
    block = other;
    other = done;
  }
  finish(conv, (turns - 1) * kOutputs, before, *other);
}

}  // namespace

const TiledPointwiseKernel* PointwiseAmx() {
  static constexpr TiledPointwiseKernel kKernel{Packed, Pack, Scratch, Run};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const TiledPointwiseKernel* PointwiseAmx() { return nullptr; }

}  // namespace torchgraft

#endif
