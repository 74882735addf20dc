#include "images/image.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace torchgraft {

namespace {

// Indices of the sum of three lights in the table of levels, for red, green, blue and the pad.
void LevelIndices(const float* r, const float* g, const float* b, int32_t* indices) {
  constexpr float kLast = ColourTables::kLevels - 1;
#if defined(__SSE2__)
  const __m128 sum = _mm_add_ps(
      _mm_add_ps(_mm_add_ps(_mm_loadu_ps(r), _mm_loadu_ps(g)), _mm_loadu_ps(b)), _mm_set1_ps(0.5f));
  const __m128 within = _mm_min_ps(_mm_max_ps(sum, _mm_setzero_ps()), _mm_set1_ps(kLast));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(indices), _mm_cvttps_epi32(within));
#else
  for (int c = 0; c < 3; ++c) {
    const float sum = r[c] + g[c] + b[c] + 0.5f;
    indices[c] = static_cast<int32_t>(sum < 0 ? 0 : sum > kLast ? kLast : sum);
  }
#endif
}

}  // namespace

void ColourTables::Apply(const ImageView& image) const {
  const float* red = light;
  const float* green = light + 256 * 4;
  const float* blue = light + 2 * 256 * 4;
  const int64_t count = static_cast<int64_t>(image.width) * image.height;
  uint8_t* pixel = image.rgb;
  for (int64_t i = 0; i < count; ++i, pixel += 3) {
    const float* r = red + pixel[0] * 4;
    const float* g = green + pixel[1] * 4;
    const float* b = blue + pixel[2] * 4;
    int32_t indices[4];
    LevelIndices(r, g, b, indices);
    for (int c = 0; c < 3; ++c) pixel[c] = levels[indices[c]];
  }
}

}  // namespace torchgraft
