#pragma once

// A pixel's three channels as floats: the `Colour` of kernels with one thread a pixel. Compiles as
// CUDA and as C++, as all that render_kernel.cu includes.

#include <cstdint>

#if !defined(__CUDACC__)
#include <cmath>
#endif

namespace torchgraft {

namespace {

struct ScalarRgb {
  float r, g, b;

  static ScalarRgb Broadcast(float x) { return {x, x, x}; }
  static ScalarRgb Of(float r, float g, float b) { return {r, g, b}; }
  static ScalarRgb Load(const uint8_t* from) {
    return {static_cast<float>(from[0]), static_cast<float>(from[1]), static_cast<float>(from[2])};
  }
  void Store(float* to) const {
    to[0] = r;
    to[1] = g;
    to[2] = b;
  }

  friend ScalarRgb operator+(ScalarRgb a, ScalarRgb b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }
  friend ScalarRgb operator-(ScalarRgb a, ScalarRgb b) { return {a.r - b.r, a.g - b.g, a.b - b.b}; }
  friend ScalarRgb operator*(ScalarRgb a, ScalarRgb b) { return {a.r * b.r, a.g * b.g, a.b * b.b}; }
  friend ScalarRgb operator/(ScalarRgb a, ScalarRgb b) { return {a.r / b.r, a.g / b.g, a.b / b.b}; }
  // fma: a · b + c, rounded once.
  friend ScalarRgb FusedMulAdd(ScalarRgb a, ScalarRgb b, ScalarRgb c) {
    return {fmaf(a.r, b.r, c.r), fmaf(a.g, b.g, c.g), fmaf(a.b, b.b, c.b)};
  }
  friend ScalarRgb Max(ScalarRgb a, ScalarRgb b) {
    return {a.r > b.r ? a.r : b.r, a.g > b.g ? a.g : b.g, a.b > b.b ? a.b : b.b};
  }
  friend ScalarRgb Min(ScalarRgb a, ScalarRgb b) {
    return {a.r < b.r ? a.r : b.r, a.g < b.g ? a.g : b.g, a.b < b.b ? a.b : b.b};
  }
};

}  // namespace

}  // namespace torchgraft
