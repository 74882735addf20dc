#pragma once

#include <cstdint>

#include "torch/ops/conv/conv_algorithm.h"

namespace torchgraft {

// Which algorithm convolves a shape the fastest, as tables: of the rows for a Platform the first
// that a shape fits decides, and where none does, the library computes all passes. The measurements
// behind them are in kernels/conv3x3_grouped/tuning.csv and kernels/conv1x1/tuning.csv, which
// `engine_check convolution-speed` and `engine_check pointwise-speed` print.

// What there is to choose between, by type and processor.
enum class Platform {
  kFp32Avx2,
  kFp32Avx512,
  kBf16Avx512,      // AVX512-BF16, and no AMX
  kBf16Amx,         // AMX, by our own kernels and oneDNN's
  kBf16LibraryAmx,  // AMX, by oneDNN's alone: ours are held down, or do not take the shape
};

constexpr int kAnyStride = 0;
constexpr int64_t kNoLimit = INT64_MAX;

// Of a 3×3 in groups: strides are 1 or 2, group widths multiples of 8.
struct GroupedRule {
  Platform platform;
  int stride;
  int64_t multiple;              // of which the group width must be one
  int64_t min_width, max_width;  // channels of a group
  int64_t min_px;                // width of the images
  ConvChoice choice;
};

// Of a 1×1.
struct PointwiseRule {
  Platform platform;
  int stride;
  int64_t min_in, max_in;  // channels
  int64_t max_out;
  int64_t max_weights;  // in · out: those that stay in a cache
  int64_t max_px;       // width of the images
  ConvChoice choice;
};

namespace rules {

constexpr auto kFp32Avx2 = Platform::kFp32Avx2;
constexpr auto kFp32Avx512 = Platform::kFp32Avx512;
constexpr auto kBf16Avx512 = Platform::kBf16Avx512;
constexpr auto kBf16Amx = Platform::kBf16Amx;
constexpr auto kBf16LibraryAmx = Platform::kBf16LibraryAmx;
constexpr auto kLibrary = ConvAlgorithm::kLibrary;
constexpr auto kProduct = ConvAlgorithm::kProduct;
constexpr auto kPacked = ConvAlgorithm::kPacked;
constexpr auto kDirect = ConvAlgorithm::kDirect;

// clang-format off

constexpr GroupedRule kGrouped[] = {
    // platform   stride      of   width         px ≥  forward   data      weight
    {kFp32Avx2,   kAnyStride,  8,  8, 56,         0,  {kDirect,  kDirect,  kDirect}},
    {kFp32Avx2,   2,           8, 64, 64,         0,  {kDirect,  kDirect,  kDirect}},
    // Each thread has weight gradients of its own: of wider groups too many.
    {kFp32Avx2,   kAnyStride,  8, 64, 128,        0,  {kLibrary, kLibrary, kDirect}},

    // oneDNN's blocks of 16 outputs fill its vectors where the groups do.
    {kFp32Avx512, kAnyStride, 16, 16, 64,        28,  {kLibrary, kLibrary, kDirect}},
    {kFp32Avx512, kAnyStride, 16, 16, 64,         0,  {kLibrary, kLibrary, kLibrary}},
    {kFp32Avx512, kAnyStride,  8,  8, 56,         0,  {kDirect,  kDirect,  kDirect}},

    {kBf16Avx512, 1,           8,  8, 16,        28,  {kDirect,  kDirect,  kDirect}},
    {kBf16Avx512, 2,           8,  8, 8,          0,  {kDirect,  kDirect,  kDirect}},
    {kBf16Avx512, kAnyStride,  8,  8, 16,         0,  {kLibrary, kLibrary, kDirect}},
    {kBf16Avx512, kAnyStride,  8, 24, 40,         0,  {kDirect,  kDirect,  kDirect}},
    {kBf16Avx512, kAnyStride,  8, 48, 56,        28,  {kDirect,  kDirect,  kDirect}},
    {kBf16Avx512, kAnyStride,  8, 48, 64,         0,  {kDirect,  kDirect,  kLibrary}},

    {kBf16Amx,    1,           8,  8, 24,         0,  {kDirect,  kDirect,  kDirect}},
    {kBf16Amx,    1,           8, 40, 48,        28,  {kDirect,  kDirect,  kDirect}},
    {kBf16Amx,    1,           8, 32, 128,        0,  {kLibrary, kLibrary, kDirect}},
    {kBf16Amx,    2,           8,  8, 48,         0,  {kDirect,  kDirect,  kDirect}},
    {kBf16Amx,    2,           8, 56, 128,       28,  {kLibrary, kDirect,  kDirect}},
    {kBf16Amx,    2,           8, 56, 128,        0,  {kDirect,  kDirect,  kDirect}},
    {kBf16Amx,    2,           8, 136, kNoLimit, 28,  {kLibrary, kDirect,  kLibrary}},
    {kBf16Amx,    2,           8, 136, kNoLimit,  0,  {kDirect,  kDirect,  kLibrary}},
};

constexpr PointwiseRule kPointwise[] = {
    // platform         stride      in              out ≤     weights ≤  px ≤       forward   data      weight
    {kFp32Avx2,         kAnyStride, 0,   47,        kNoLimit, kNoLimit,  kNoLimit, {kPacked,  kPacked,  kLibrary}},
    {kFp32Avx2,         kAnyStride, 48,  512,       kNoLimit, kNoLimit,  kNoLimit, {kPacked,  kPacked,  kPacked}},
    {kFp32Avx2,         2,          513, kNoLimit,  kNoLimit, kNoLimit,  kNoLimit, {kPacked,  kPacked,  kPacked}},
    {kFp32Avx2,         1,          513, kNoLimit,  kNoLimit, kNoLimit,  kNoLimit, {kLibrary, kLibrary, kPacked}},

    {kFp32Avx512,       2,          0,   47,        kNoLimit, kNoLimit,  kNoLimit, {kPacked,  kPacked,  kLibrary}},
    {kFp32Avx512,       2,          48,  kNoLimit,  kNoLimit, kNoLimit,  kNoLimit, {kPacked,  kPacked,  kPacked}},
    {kFp32Avx512,       1,          0,   103,       kNoLimit, kNoLimit,  kNoLimit, {kPacked,  kPacked,  kLibrary}},
    {kFp32Avx512,       1,          104, 512,       kNoLimit, kNoLimit,  kNoLimit, {kPacked,  kPacked,  kPacked}},
    {kFp32Avx512,       1,          513, kNoLimit,  kNoLimit, kNoLimit,  kNoLimit, {kLibrary, kLibrary, kPacked}},

    {kBf16Avx512,       1,          408, kNoLimit,  kNoLimit, kNoLimit,  7,        {kLibrary, kLibrary, kProduct}},
    {kBf16Avx512,       2,          408, kNoLimit,  kNoLimit, kNoLimit,  7,        {kProduct, kProduct, kProduct}},
    {kBf16Avx512,       2,          0,   kNoLimit,  kNoLimit, kNoLimit,  kNoLimit, {kProduct, kProduct, kLibrary}},

    {kBf16Amx,          1,          0,   kNoLimit,  399,      440 * 440, kNoLimit, {kPacked,  kPacked,  kPacked}},
    {kBf16Amx,          1,          0,   kNoLimit,  kNoLimit, 440 * 440, 7,        {kPacked,  kPacked,  kPacked}},
    {kBf16Amx,          1,          0,   kNoLimit,  kNoLimit, 440 * 440, kNoLimit, {kPacked,  kProduct, kPacked}},
    {kBf16Amx,          2,          0,   kNoLimit,  kNoLimit, 408 * 912, kNoLimit, {kPacked,  kPacked,  kPacked}},
    {kBf16Amx,          kAnyStride, 0,   kNoLimit,  kNoLimit, kNoLimit,  kNoLimit, {kProduct, kProduct, kPacked}},

    {kBf16LibraryAmx,   1,          104, kNoLimit,  kNoLimit, kNoLimit,  kNoLimit, {kProduct, kProduct, kLibrary}},
};

// clang-format on

}  // namespace rules

}  // namespace torchgraft
