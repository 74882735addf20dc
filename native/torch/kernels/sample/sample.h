#pragma once

#include <cstdint>

#include "torch/kernels/isa/level_table.h"

namespace torchgraft {

// An image, where in it each pixel of the output lies, and what becomes of the colour there.
struct Sampling {
  const uint8_t* pixels;  // height × width × 3
  int64_t height;
  int64_t width;
  int64_t output;      // height and width
  double geometry[6];  // from output to source, as src/augment/plan.ts has it
  bool nearest;        // else bilinear
  bool reflect;        // else `border` lies around the image
  float border[3];     // 0–255
  bool has_colour;
  float colour[12];  // 3×4, from 0–1 to 0–1, where it is clamped
  float scale[3];    // then × scale + shift
  float shift[3];
};

enum class PixelType { kFloat, kBFloat16, kHalf };

// Floats that rows of an output take while they are made.
constexpr int64_t SampleScratch(int64_t output) { return 16 * output + 256; }

// Every variant gives the same bits.
struct SampleKernel {
  // Rows of the output, [end − begin, output, 3] of `type`. `scratch` is of SampleScratch.
  void (*rows)(const Sampling& sampling, int64_t begin, int64_t end, PixelType type, void* out,
               float* scratch);
};

extern const LevelTable<SampleKernel> kSample;

}  // namespace torchgraft
