#include "augment.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "augment_on_device.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;
constexpr float kWhite = 255;
constexpr int64_t kRowsPerTask = 16;

struct Matrix2x3 {
  double m[6];
  double x(double u, double v) const { return m[0] * u + m[1] * v + m[2]; }
  double y(double u, double v) const { return m[3] * u + m[4] * v + m[5]; }
};

struct Source {
  const uint8_t* pixels;
  int64_t height;
  int64_t width;

  const uint8_t* at(int64_t x, int64_t y) const { return pixels + (y * width + x) * kChannels; }
};

// A plan taken apart.
struct Plan {
  Matrix2x3 geometry;
  bool nearest;
  bool reflect;
  float border[kChannels];  // 0–255
  int64_t snap_height;
  int64_t snap_width;
  Matrix2x3 resize;
  bool has_colour;
  float colour[12];

  explicit Plan(const double* packed)
      : nearest(packed[6] != 0),
        reflect(packed[7] == 0),
        snap_height(static_cast<int64_t>(packed[11])),
        snap_width(static_cast<int64_t>(packed[12])),
        has_colour(packed[19] != 0) {
    std::copy_n(packed, 6, geometry.m);
    std::copy_n(packed + 13, 6, resize.m);
    for (int c = 0; c < kChannels; ++c) border[c] = static_cast<float>(packed[8 + c]) * kWhite;
    for (int i = 0; i < 12; ++i) colour[i] = static_cast<float>(packed[20 + i]);
  }

  bool snaps() const { return snap_height > 0; }
};

// … c b a | a b c … c | c b a …, as often as it takes.
int64_t Mirror(int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  const int64_t period = 2 * n;
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - 1 - i;
}

// One pixel of the source, or of what lies around it.
void Tap(const Source& source, const Plan& plan, int64_t x, int64_t y, float* rgb) {
  const bool inside = x >= 0 && x < source.width && y >= 0 && y < source.height;
  if (!inside && !plan.reflect) {
    std::copy_n(plan.border, kChannels, rgb);
    return;
  }
  const uint8_t* pixel = source.at(Mirror(x, source.width), Mirror(y, source.height));
  for (int c = 0; c < kChannels; ++c) rgb[c] = pixel[c];
}

void Blend(const float* a, const float* b, const float* c, const float* d, float fx, float fy,
           float* rgb) {
  for (int i = 0; i < kChannels; ++i) {
    const float top = a[i] + (b[i] - a[i]) * fx;
    const float bottom = c[i] + (d[i] - c[i]) * fx;
    rgb[i] = top + (bottom - top) * fy;
  }
}

void SampleBilinear(const Source& source, const Plan& plan, double x, double y, float* rgb) {
  const double left = std::floor(x - 0.5);
  const double top = std::floor(y - 0.5);
  const auto fx = static_cast<float>(x - 0.5 - left);
  const auto fy = static_cast<float>(y - 0.5 - top);
  const auto ix = static_cast<int64_t>(left);
  const auto iy = static_cast<int64_t>(top);
  float taps[4][kChannels];
  if (ix >= 0 && iy >= 0 && ix + 1 < source.width && iy + 1 < source.height) {
    const uint8_t* upper = source.at(ix, iy);
    const uint8_t* lower = source.at(ix, iy + 1);
    for (int c = 0; c < kChannels; ++c) {
      taps[0][c] = upper[c];
      taps[1][c] = upper[c + kChannels];
      taps[2][c] = lower[c];
      taps[3][c] = lower[c + kChannels];
    }
  } else {
    for (int i = 0; i < 4; ++i) Tap(source, plan, ix + i % 2, iy + i / 2, taps[i]);
  }
  Blend(taps[0], taps[1], taps[2], taps[3], fx, fy, rgb);
}

// Bilinear, with the source's edges going on outside.
void SampleClamped(const Source& source, double x, double y, float* rgb) {
  const double u = std::clamp(x - 0.5, 0.0, static_cast<double>(source.width - 1));
  const double v = std::clamp(y - 0.5, 0.0, static_cast<double>(source.height - 1));
  const auto ix = static_cast<int64_t>(u);
  const auto iy = static_cast<int64_t>(v);
  float taps[4][kChannels];
  for (int i = 0; i < 4; ++i) {
    const uint8_t* pixel =
        source.at(std::min(ix + i % 2, source.width - 1), std::min(iy + i / 2, source.height - 1));
    for (int c = 0; c < kChannels; ++c) taps[i][c] = pixel[c];
  }
  Blend(taps[0], taps[1], taps[2], taps[3], static_cast<float>(u - static_cast<double>(ix)),
        static_cast<float>(v - static_cast<double>(iy)), rgb);
}

void SampleSnapped(const Source& source, const Plan& plan, double x, double y, float* rgb) {
  auto gx = static_cast<int64_t>(std::nearbyint(x - 0.5));
  auto gy = static_cast<int64_t>(std::nearbyint(y - 0.5));
  const bool inside = gx >= 0 && gx < plan.snap_width && gy >= 0 && gy < plan.snap_height;
  if (!inside && !plan.reflect) {
    std::copy_n(plan.border, kChannels, rgb);
    return;
  }
  const double u = static_cast<double>(Mirror(gx, plan.snap_width)) + 0.5;
  const double v = static_cast<double>(Mirror(gy, plan.snap_height)) + 0.5;
  SampleClamped(source, plan.resize.x(u, v), plan.resize.y(u, v), rgb);
}

// From 0–255 to normalized, through the plan's colour matrix.
struct Finish {
  float scale[kChannels];
  float shift[kChannels];

  Finish(const Images& images) {
    for (int c = 0; c < kChannels; ++c) {
      scale[c] = static_cast<float>(1 / images.std[c]);
      shift[c] = static_cast<float>(-images.mean[c] / images.std[c]);
    }
  }

  template <typename Out>
  void operator()(const Plan& plan, float* rgb, Out* out) const {
    for (int c = 0; c < kChannels; ++c) rgb[c] /= kWhite;
    if (plan.has_colour) {
      const float* m = plan.colour;
      float mixed[kChannels];
      for (int c = 0; c < kChannels; ++c, m += 4) {
        mixed[c] = std::clamp(m[0] * rgb[0] + m[1] * rgb[1] + m[2] * rgb[2] + m[3], 0.0f, 1.0f);
      }
      std::copy_n(mixed, kChannels, rgb);
    }
    for (int c = 0; c < kChannels; ++c) out[c] = static_cast<Out>(rgb[c] * scale[c] + shift[c]);
  }
};

template <typename Out>
void RenderRow(const Source& source, const Plan& plan, const Finish& finish, int64_t row,
               int64_t output, Out* out) {
  const double v = static_cast<double>(row) + 0.5;
  for (int64_t column = 0; column < output; ++column, out += kChannels) {
    const double u = static_cast<double>(column) + 0.5;
    const double x = plan.geometry.x(u, v);
    const double y = plan.geometry.y(u, v);
    float rgb[kChannels];
    if (plan.snaps()) {
      SampleSnapped(source, plan, x, y, rgb);
    } else if (plan.nearest) {
      Tap(source, plan, static_cast<int64_t>(std::floor(x)), static_cast<int64_t>(std::floor(y)),
          rgb);
    } else {
      SampleBilinear(source, plan, x, y, rgb);
    }
    finish(plan, rgb, out);
  }
}

template <typename Out>
void Render(const Images& images, Out* out) {
  std::vector<Source> sources;
  std::vector<Plan> plans;
  const uint8_t* pixels = images.pixels.data();
  for (int64_t i = 0; i < images.size(); ++i) {
    sources.push_back({pixels, images.shapes[2 * i], images.shapes[2 * i + 1]});
    pixels += sources.back().height * sources.back().width * kChannels;
    plans.emplace_back(images.plans.data() + i * kPlanLength);
  }
  const Finish finish(images);
  const int64_t rows = images.size() * images.output;
  at::parallel_for(0, rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t i = row / images.output;
      RenderRow(sources[i], plans[i], finish, row % images.output, images.output,
                out + row * images.output * kChannels);
    }
  });
}

}  // namespace

at::Tensor RenderBatch(const Images& images, at::ScalarType dtype) {
  const auto batch = at::empty({images.size(), images.output, images.output, kChannels}, dtype);
  if (dtype == at::kBFloat16) {
    Render(images, batch.data_ptr<at::BFloat16>());
  } else if (dtype == at::kHalf) {
    Render(images, batch.data_ptr<at::Half>());
  } else {
    Render(images, batch.data_ptr<float>());
  }
  return batch.permute({0, 3, 1, 2});
}

std::vector<float> RenderFloats(const Images& images, Renderer renderer) {
  CheckImages(images);
  const auto batch = renderer == Renderer::kLoops ? RenderBatch(images, at::kFloat)
                                                  : RenderBatchOn(at::kCPU, images, at::kFloat);
  const auto pixels = batch.permute({0, 2, 3, 1}).contiguous();
  return {pixels.const_data_ptr<float>(), pixels.const_data_ptr<float>() + pixels.numel()};
}

}  // namespace torchgraft
