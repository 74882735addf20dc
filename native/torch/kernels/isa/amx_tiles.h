#pragma once

// Tiles of AMX: eight registers of up to 16 rows of 64 bytes. For files that are compiled for it.

#include <immintrin.h>

#include <cstdint>

namespace torchgraft {

namespace {

constexpr int kTileRows = 16;
constexpr int kTileBytes = 64;   // of a row
constexpr int kTileFloats = 16;  // sums in a row
constexpr int kTileInputs = 32;  // bfloat16 numbers in a row: the depth of a product
constexpr int64_t kTileElements = kTileRows * kTileInputs;  // of a tile of bfloat16
constexpr int64_t kTileSums = kTileRows * kTileFloats;

// What was written lies in memory when tiles are next loaded: GCC's header tells the compiler
// neither that a load reads it nor that a configuration is read whole.
inline void CompilerBarrier() { asm volatile("" ::: "memory"); }

// All eight tiles of this thread are whole while it lives, and what oneDNN had set up is back
// after.
class TileConfigScope {
 public:
  TileConfigScope() {
    _tile_storeconfig(&before_);
    CompilerBarrier();
    Config whole{};
    whole.palette = 1;
    for (int i = 0; i < 8; ++i) {
      whole.row_bytes[i] = kTileBytes;
      whole.rows[i] = kTileRows;
    }
    asm volatile("" ::"m"(whole));
    _tile_loadconfig(&whole);
  }
  ~TileConfigScope() {
    if (before_.palette == 0)
      _tile_release();
    else
      _tile_loadconfig(&before_);
  }
  TileConfigScope(const TileConfigScope&) = delete;
  TileConfigScope& operator=(const TileConfigScope&) = delete;

 private:
  struct alignas(64) Config {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  };
  static_assert(sizeof(Config) == 64);

  Config before_;
};

}  // namespace

}  // namespace torchgraft
