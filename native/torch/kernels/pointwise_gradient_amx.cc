#include "pointwise_gradient.h"

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)

#include "amx_pack.h"

namespace torchgraft {

namespace {

// A product's depth is pixels: of outputs' gradients a tile has 16 channels of 32 pixels, of
// inputs 16 pairs of pixels of 16 channels. Of each the tiles of a chunk of pixels lie side by
// side, so that sums stay in tiles while they run through it.
using Gradient = PointwiseGradient<uint16_t>;

constexpr int64_t kPixels = kTileInputs;  // of a tile

// Two rows of tiles of 512 pixels fill two thirds of a first-level cache of 48 KiB; all tiles of a
// chunk should leave room in the second level for sums and for what is fetched.
constexpr int64_t kMostChunk = 512, kLeastChunk = 128;
constexpr int64_t kChunkBytes = 640 * 1024;

int64_t InTiles(int64_t in) { return TilesOf(in, kTileFloats); }
int64_t OutTiles(int64_t out) { return TilesOf(out, kTileRows); }

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

  int64_t Begin(int64_t chunk) const { return steps * chunk / count; }
  int64_t Longest() const { return TilesOf(steps, count); }
};

// 32 channels of two pixels make two tiles' rows, of which the first has channels 0–3, 8–11, … and
// the second those between, as the cheapest instructions interleave. Add puts them in order.
void PackInputs(const uint16_t* const* rows, int64_t in, int64_t tile_step, uint16_t* to) {
  for (int64_t c = 0; c < in; c += 32, to += 2 * tile_step) {
    const bool two = in - c > 16;
    for (int r = 0; r < kTileRows; ++r) {
      const __m512i a = SomeOf(rows[2 * r], c, in - c), b = SomeOf(rows[2 * r + 1], c, in - c);
      uint16_t* const row = to + r * kTileInputs;
      if (two) {
        _mm512_store_si512(row, _mm512_unpacklo_epi16(a, b));
        _mm512_store_si512(row + tile_step, _mm512_unpackhi_epi16(a, b));
      } else {
        _mm512_store_si512(row, PairsOfSixteen(a, b));
      }
    }
  }
}

void PackOutputs(const uint16_t* const* rows, int64_t out, int64_t tile_step, uint16_t* to) {
  for (int64_t c = 0; c < out; c += 8) {
    uint16_t* const tile = to + c / kTileRows * tile_step;
    TransposeEight(rows, c, tile + c % kTileRows * kTileInputs);
  }
  if (out % kTileRows == 0) return;
  uint16_t* const last = to + out / kTileRows * tile_step + 8 * kTileInputs;
  for (int r = 0; r < 8; ++r) _mm512_store_si512(last + r * kTileInputs, _mm512_setzero_si512());
}

// kOut × kIn tiles of sums of a chunk.
template <int kOut, int kIn>
void Block(int64_t steps, const uint16_t* dy, const uint16_t* x, bool begins, int64_t sums_step,
           float* sums) {
  constexpr int kStride = kTileBytes;
  const int64_t tile_step = steps * kTileElements;
  float* const below = sums + sums_step;
  if (begins) {
    _tile_zero(0);
    if constexpr (kIn == 2) _tile_zero(1);
    if constexpr (kOut == 2) _tile_zero(2);
    if constexpr (kOut == 2 && kIn == 2) _tile_zero(3);
  } else {
    _tile_loadd(0, sums, kStride);
    if constexpr (kIn == 2) _tile_loadd(1, sums + kTileSums, kStride);
    if constexpr (kOut == 2) _tile_loadd(2, below, kStride);
    if constexpr (kOut == 2 && kIn == 2) _tile_loadd(3, below + kTileSums, kStride);
  }
  for (int64_t s = 0; s < steps; ++s, dy += kTileElements, x += kTileElements) {
    _tile_loadd(4, dy, kStride);
    _tile_loadd(6, x, kStride);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kIn == 2) {
      _tile_loadd(7, x + tile_step, kStride);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (kOut == 2) {
      _tile_loadd(5, dy + tile_step, kStride);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (kOut == 2 && kIn == 2) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums, kStride);
  if constexpr (kIn == 2) _tile_stored(1, sums + kTileSums, kStride);
  if constexpr (kOut == 2) _tile_stored(2, below, kStride);
  if constexpr (kOut == 2 && kIn == 2) _tile_stored(3, below + kTileSums, kStride);
}

void BlockOf(bool two_out, bool two_in, int64_t steps, const uint16_t* dy, const uint16_t* x,
             bool begins, int64_t sums_step, float* sums) {
  if (two_out && two_in)
    Block<2, 2>(steps, dy, x, begins, sums_step, sums);
  else if (two_out)
    Block<2, 1>(steps, dy, x, begins, sums_step, sums);
  else if (two_in)
    Block<1, 2>(steps, dy, x, begins, sums_step, sums);
  else
    Block<1, 1>(steps, dy, x, begins, sums_step, sums);
}

// Runs through the pixels twice: to fetch them, and then to pack them.
class Pixels {
 public:
  Pixels(const Gradient& gradient, int64_t begin)
      : gradient_(gradient), walk_(gradient.met, gradient.first + begin), at_(begin) {}

  // Into the second-level cache, up to `end`.
  void FetchUpTo(int64_t end) {
    for (; at_ < end && at_ < gradient_.pixels; ++at_, walk_.Next()) {
      Fetch(gradient_.x + walk_.at() * gradient_.in, gradient_.in);
      Fetch(gradient_.dy + at_ * gradient_.dy_step, gradient_.out);
    }
  }

  // The next 32, as rows; nullptr after the last.
  void Take(const uint16_t** x, const uint16_t** dy) {
    for (int64_t p = 0; p < kPixels; ++p) {
      const bool there = at_ < gradient_.pixels;
      x[p] = there ? gradient_.x + walk_.at() * gradient_.in : nullptr;
      dy[p] = there ? gradient_.dy + at_ * gradient_.dy_step : nullptr;
      if (!there) continue;
      ++at_;
      walk_.Next();
    }
  }

 private:
  static void Fetch(const uint16_t* from, int64_t count) {
    constexpr int64_t kOfLine = 32;
    for (int64_t i = 0; i < count; i += kOfLine)
      __builtin_prefetch(from + i, /*rw=*/0, /*locality=*/2);
  }

  const Gradient& gradient_;
  MetWalk walk_;
  int64_t at_;
};

int64_t Scratch(const Gradient& gradient) {
  return (InTiles(gradient.in) + OutTiles(gradient.out)) * Chunks(gradient).Longest() *
         kTileElements;
}

int64_t Sums(int64_t in, int64_t out) { return InTiles(in) * OutTiles(out) * kTileSums; }

void Sum(const Gradient& gradient, uint16_t* scratch, float* sums) {
  const WholeTiles guard;
  const int64_t in_tiles = InTiles(gradient.in), out_tiles = OutTiles(gradient.out);
  const int64_t blocks = TilesOf(in_tiles, 2) * TilesOf(out_tiles, 2);
  const Chunks chunks(gradient);
  Pixels taken(gradient, 0), fetched(gradient, chunks.Begin(1) * kPixels);
  for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    const int64_t begin = chunks.Begin(chunk), end = chunks.Begin(chunk + 1), steps = end - begin;
    const int64_t next = chunk + 1 < chunks.count ? chunks.Begin(chunk + 2) - end : 0;
    const int64_t tile_step = steps * kTileElements;
    uint16_t* const packed_dy = scratch + in_tiles * tile_step;
    for (int64_t s = 0; s < steps; ++s) {
      const uint16_t *x[kPixels], *dy[kPixels];
      taken.Take(x, dy);
      PackInputs(x, gradient.in, tile_step, scratch + s * kTileElements);
      PackOutputs(dy, gradient.out, tile_step, packed_dy + s * kTileElements);
    }
    for (int64_t o = 0, block = 0; o < out_tiles; o += 2) {
      for (int64_t i = 0; i < in_tiles; i += 2) {
        fetched.FetchUpTo(end * kPixels + next * kPixels * ++block / blocks);
        BlockOf(o + 1 < out_tiles, i + 1 < in_tiles, steps, packed_dy + o * tile_step,
                scratch + i * tile_step, chunk == 0, in_tiles * kTileSums,
                sums + (o * in_tiles + i) * kTileSums);
      }
    }
  }
}

__m512 SumOf(const float* sums, int64_t parts, int64_t part_step) {
  __m512 sum = _mm512_loadu_ps(sums);
  for (int64_t p = 1; p < parts; ++p)
    sum = _mm512_add_ps(sum, _mm512_loadu_ps(sums + p * part_step));
  return sum;
}

void Add(int64_t in, int64_t begin, int64_t end, int64_t parts, int64_t part_step,
         const float* sums, uint16_t* dweight) {
  const __m512i in_order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  for (int64_t o = begin; o < end; ++o) {
    const float* const row =
        sums + o / kTileRows * InTiles(in) * kTileSums + o % kTileRows * kTileFloats;
    for (int64_t c = 0; c < in; c += 32) {
      const float* const from = row + c / kTileFloats * kTileSums;
      const bool two = in - c > 16;
      const __m512 first = SumOf(from, parts, part_step);
      const __m512 second = two ? SumOf(from + kTileSums, parts, part_step) : first;
      __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
      if (two) both = _mm512_permutexvar_epi64(in_order, both);
      _mm512_mask_storeu_epi16(dweight + o * in + c, FirstOf32(in - c), both);
    }
  }
}

}  // namespace

const PointwiseGradientKernel<uint16_t>* PointwiseGradientAmx() {
  static constexpr PointwiseGradientKernel<uint16_t> kKernel{Scratch, Sums, Sum, Add};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseGradientKernel<uint16_t>* PointwiseGradientAmx() { return nullptr; }

}  // namespace torchgraft

#endif
