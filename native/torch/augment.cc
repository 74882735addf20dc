#include "augment.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "augment_on_device.h"
#include "snap.h"

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
  bool snaps;
  bool has_colour;
  float colour[12];

  explicit Plan(const double* packed)
      : nearest(packed[6] != 0),
        reflect(packed[7] == 0),
        snaps(packed[11] != 0),
        has_colour(packed[19] != 0) {
    std::copy_n(packed, 6, geometry.m);
    for (int c = 0; c < kChannels; ++c) border[c] = static_cast<float>(packed[8 + c]) * kWhite;
    for (int i = 0; i < 12; ++i) colour[i] = static_cast<float>(packed[20 + i]);
  }
};

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

// From a pixel of the snap grid to the source.
void SampleSnapped(const Source& source, const Plan& plan, const Snap& snap, int64_t gx, int64_t gy,
                   float* rgb) {
  const bool inside = gx >= 0 && gx < snap.width() && gy >= 0 && gy < snap.height();
  if (!inside && !plan.reflect) {
    for (int c = 0; c < kChannels; ++c) rgb[c] = plan.border[c] / kWhite;
    return;
  }
  const AxisTap& x = snap.x[Mirror(gx, snap.width())];
  const AxisTap& y = snap.y[Mirror(gy, snap.height())];
  const uint8_t* taps[] = {source.at(x.first, y.first), source.at(x.second, y.first),
                           source.at(x.first, y.second), source.at(x.second, y.second)};
  for (int c = 0; c < kChannels; ++c) {
    const float top = x.Blend(taps[0][c] / kWhite, taps[1][c] / kWhite);
    const float bottom = x.Blend(taps[2][c] / kWhite, taps[3][c] / kWhite);
    rgb[c] = y.Blend(top, bottom);
  }
}

// From 0–1 to normalized, through the plan's colour matrix.
struct Finish {
  float mean[kChannels];
  float std[kChannels];
  float scale[kChannels];
  float shift[kChannels];

  Finish(const Images& images) {
    for (int c = 0; c < kChannels; ++c) {
      mean[c] = static_cast<float>(images.mean[c]);
      std[c] = static_cast<float>(images.std[c]);
      scale[c] = static_cast<float>(1 / images.std[c]);
      shift[c] = static_cast<float>(-images.mean[c] / images.std[c]);
    }
  }

  template <typename Out>
  void operator()(const Plan& plan, float* rgb, Out* out) const {
    if (plan.has_colour) {
      const float* m = plan.colour;
      float mixed[kChannels];
      for (int c = 0; c < kChannels; ++c, m += 4) {
        mixed[c] = std::clamp(m[0] * rgb[0] + m[1] * rgb[1] + m[2] * rgb[2] + m[3], 0.0f, 1.0f);
      }
      std::copy_n(mixed, kChannels, rgb);
    }
    for (int c = 0; c < kChannels; ++c) {
      // Plans that snap are held to PyTorch's last bit, and it subtracts and divides.
      out[c] =
          static_cast<Out>(plan.snaps ? (rgb[c] - mean[c]) / std[c] : rgb[c] * scale[c] + shift[c]);
    }
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
    if (plan.nearest) {
      Tap(source, plan, static_cast<int64_t>(std::floor(x)), static_cast<int64_t>(std::floor(y)),
          rgb);
    } else {
      SampleBilinear(source, plan, x, y, rgb);
    }
    for (float& channel : rgb) channel /= kWhite;
    finish(plan, rgb, out);
  }
}

template <typename Out>
void RenderSnappedRow(const Source& source, const Plan& plan, const Snap& snap,
                      const Finish& finish, int64_t row, int64_t output, Out* out) {
  for (int64_t column = 0; column < output; ++column, out += kChannels) {
    const auto [gx, gy] = snap.Place(row, column);
    float rgb[kChannels];
    SampleSnapped(source, plan, snap, gx, gy, rgb);
    finish(plan, rgb, out);
  }
}

template <typename Out>
void Render(const Images& images, Out* out) {
  std::vector<Source> sources;
  std::vector<Plan> plans;
  std::vector<Snap> snaps(images.size());
  const SnapGrid grid(images.output);
  const uint8_t* pixels = images.pixels.data();
  for (int64_t i = 0; i < images.size(); ++i) {
    const double* packed = images.plans.data() + i * kPlanLength;
    sources.push_back({pixels, images.shapes[2 * i], images.shapes[2 * i + 1]});
    pixels += sources.back().height * sources.back().width * kChannels;
    plans.emplace_back(packed);
    if (plans.back().snaps) {
      snaps[i] = MakeSnap(packed, grid, sources.back().height, sources.back().width);
    }
  }
  const Finish finish(images);
  const int64_t rows = images.size() * images.output;
  at::parallel_for(0, rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t i = task / images.output;
      const int64_t row = task % images.output;
      Out* const to = out + task * images.output * kChannels;
      if (plans[i].snaps) {
        RenderSnappedRow(sources[i], plans[i], snaps[i], finish, row, images.output, to);
      } else {
        RenderRow(sources[i], plans[i], finish, row, images.output, to);
      }
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

std::vector<float> ChannelMoments(const Images& images) {
  CheckImages(images);
  const auto batch = RenderBatch(images, at::kFloat).contiguous();
  const std::vector<int64_t> all_but_channels = {0, 2, 3};
  const auto moments =
      at::cat({batch.mean(all_but_channels), batch.square().mean(all_but_channels)});
  return {moments.const_data_ptr<float>(), moments.const_data_ptr<float>() + moments.numel()};
}

std::vector<float> MeanStdOf(const std::vector<float>& sums, double batches) {
  const auto means = at::tensor(at::ArrayRef<float>(sums)).div(batches);
  const auto mean = means.slice(0, 0, kChannels);
  const auto std = (means.slice(0, kChannels) - mean.pow(2)).pow(0.5);
  const auto both = at::cat({mean, std});
  return {both.const_data_ptr<float>(), both.const_data_ptr<float>() + both.numel()};
}

std::vector<float> RenderFloats(const Images& images, Renderer renderer) {
  CheckImages(images);
  const auto batch = renderer == Renderer::kLoops ? RenderBatch(images, at::kFloat)
                                                  : RenderBatchOn(at::kCPU, images, at::kFloat);
  const auto pixels = batch.permute({0, 2, 3, 1}).contiguous();
  return {pixels.const_data_ptr<float>(), pixels.const_data_ptr<float>() + pixels.numel()};
}

}  // namespace torchgraft
