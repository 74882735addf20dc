#include "torch/augment/render_operators.h"

#include <ATen/Functions.h>
#include <ATen/TensorIndexing.h>

#include <algorithm>
#include <array>
#include <vector>

#include "torch/augment/pixel_cache.h"
#include "torch/session/transfer.h"

namespace torchgraft {

namespace {

using at::indexing::Slice;

constexpr int64_t kChannels = 3;
constexpr double kWhite = 255;

// [n] → [n, 1, 1], to broadcast over coordinates [n, output, output].
at::Tensor Each(const at::Tensor& column) { return column.view({-1, 1, 1}); }

// The images of a batch that are sampled in the same way, on the device.
struct SourceImages {
  at::Tensor plans;    // [n, kPlanLength], float64
  at::Tensor heights;  // [n, 1, 1], int64, as widths and offsets
  at::Tensor widths;
  at::Tensor offsets;  // of each image's first pixel in `pixels`
  at::Tensor pixels;   // [all pixels, 3], uint8
  bool bordered;       // whether any has a border colour

  at::Tensor Number(int64_t i) const { return Each(plans.select(1, i)); }

  // (u, v) mapped by the plans' 2×3 matrices, which begin at number `first`.
  std::array<at::Tensor, 2> Through(int64_t first, const at::Tensor& u, const at::Tensor& v) const {
    return {Number(first) * u + Number(first + 1) * v + Number(first + 2),
            Number(first + 3) * u + Number(first + 4) * v + Number(first + 5)};
  }

  // Gathers pixels at integer coordinates inside the sources: [n, output, output, 3], 0–255.
  at::Tensor At(const at::Tensor& x, const at::Tensor& y) const {
    const auto index = (offsets + y * widths + x).flatten();
    return pixels.index_select(0, index)
        .view({x.size(0), x.size(1), x.size(2), kChannels})
        .to(at::kFloat);
  }

  // `rgb`, and the border's colour where an image has one and `inside` is false.
  at::Tensor WithBorder(const at::Tensor& rgb, const at::Tensor& inside) const {
    if (!bordered) return rgb;
    const auto border = plans.index({Slice(), Slice(8, 11)}).to(at::kFloat) * kWhite;
    const auto shown = inside.logical_or(Number(7).eq(0)).unsqueeze(-1);
    return at::where(shown, rgb, border.view({-1, 1, 1, kChannels}));
  }
};

// Reflects indices into 0 … n − 1, edge pixels repeated: … c b a | a b c | c b a …
at::Tensor Mirror(const at::Tensor& i, const at::Tensor& n) {
  const auto within = at::remainder(i, 2 * n);
  return at::minimum(within, 2 * n - 1 - within);
}

at::Tensor Inside(const at::Tensor& x, const at::Tensor& y, const at::Tensor& width,
                  const at::Tensor& height) {
  return x.ge(0).logical_and(x.lt(width)).logical_and(y.ge(0)).logical_and(y.lt(height));
}

// A pixel of each source at integer coordinates, which may lie outside.
at::Tensor Tap(const SourceImages& sources, const at::Tensor& x, const at::Tensor& y) {
  const auto rgb = sources.At(Mirror(x, sources.widths), Mirror(y, sources.heights));
  return sources.WithBorder(rgb, Inside(x, y, sources.widths, sources.heights));
}

at::Tensor Blend(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, const at::Tensor& d,
                 const at::Tensor& fx, const at::Tensor& fy) {
  const auto x = fx.to(at::kFloat).unsqueeze(-1);
  const auto top = a + (b - a) * x;
  const auto bottom = c + (d - c) * x;
  return top + (bottom - top) * fy.to(at::kFloat).unsqueeze(-1);
}

at::Tensor SampleNearest(const SourceImages& sources, const at::Tensor& x, const at::Tensor& y) {
  return Tap(sources, x.floor().to(at::kLong), y.floor().to(at::kLong));
}

at::Tensor SampleBilinear(const SourceImages& sources, const at::Tensor& x, const at::Tensor& y) {
  const auto left = (x - 0.5).floor();
  const auto top = (y - 0.5).floor();
  const auto ix = left.to(at::kLong);
  const auto iy = top.to(at::kLong);
  return Blend(Tap(sources, ix, iy), Tap(sources, ix + 1, iy), Tap(sources, ix, iy + 1),
               Tap(sources, ix + 1, iy + 1), x - 0.5 - left, y - 0.5 - top);
}

// The two taps of bilinear `interpolate` along one axis, from the grid to the source: indices and
// weight, rounded to float32 where PyTorch rounds. `scale` and `shift` are numbers of the plan.
struct Axis {
  at::Tensor first;
  at::Tensor second;
  at::Tensor weight;  // of the second

  Axis(const SourceImages& sources, const at::Tensor& i, int64_t scale, int64_t shift,
       const at::Tensor& last) {
    const auto factor = sources.Number(scale).to(at::kFloat).to(at::kDouble);
    const auto place = (factor * (i.to(at::kDouble) + 0.5) + sources.Number(shift) - 0.5)
                           .to(at::kFloat)
                           .clamp_min(0);
    const auto within = at::minimum(place, last.to(at::kFloat));
    first = at::minimum(within.to(at::kLong), last);  // a float beyond 2^24 may round up
    second = at::minimum(first + 1, last);
    weight = (within - first.to(at::kFloat)).unsqueeze(-1);
  }

  at::Tensor Blend(const at::Tensor& a, const at::Tensor& b) const {
    return a * (1 - weight) + b * weight;
  }
};

// Two-stage resampling (resample.h): the nearest pixel of the grid, then bilinear from the source,
// clamped at its edges.
at::Tensor SampleTwoStage(const SourceImages& sources, int64_t output) {
  const auto grid_height = sources.Number(11);
  const auto grid_width = sources.Number(12);
  const auto centres = at::arange(output, sources.plans.options()) - (output - 1) / 2.0;
  // affine_grid and grid_sample's rounding in float32: indices of the grid along one axis.
  const auto along = [&](int64_t row, const at::Tensor& grid) {
    const auto half = grid / 2;
    const auto shift =
        sources.Number(row + 2) +
        (sources.Number(row) + sources.Number(row + 1)) * (static_cast<double>(output) / 2) - half;
    const auto rescaled = [&](const at::Tensor& number) {
      return number.to(at::kFloat) / half.to(at::kFloat);
    };
    const auto u = centres.to(at::kFloat).view({1, 1, -1});
    const auto v = centres.to(at::kFloat).view({1, -1, 1});
    const auto normalized =
        u * rescaled(sources.Number(row)) + v * rescaled(sources.Number(row + 1)) + rescaled(shift);
    return ((normalized + 1) * half.to(at::kFloat) - 0.5).round();  // half to even, as the CPU's
  };
  const auto gx = along(0, grid_width);
  const auto gy = along(3, grid_height);
  const Axis x(sources, Mirror(gx, grid_width), 13, 15, sources.widths - 1);
  const Axis y(sources, Mirror(gy, grid_height), 17, 18, sources.heights - 1);
  const auto top = x.Blend(sources.At(x.first, y.first), sources.At(x.second, y.first));
  const auto bottom = x.Blend(sources.At(x.first, y.second), sources.At(x.second, y.second));
  return sources.WithBorder(y.Blend(top, bottom), Inside(gx, gy, grid_width, grid_height));
}

at::Tensor ApplyColour(const SourceImages& sources, const at::Tensor& rgb) {
  const auto matrix = sources.plans.index({Slice(), Slice(20, 32)}).to(at::kFloat);
  const auto m = matrix.view({-1, 1, 1, kChannels, kChannels + 1});
  auto mixed = m.select(-1, kChannels);
  for (int64_t c = 0; c < kChannels; ++c)
    mixed = mixed + m.select(-1, c) * rgb.select(-1, c).unsqueeze(-1);
  return at::where(sources.Number(19).ne(0).unsqueeze(-1), mixed.clamp(0, 1), rgb);
}

enum class Sampling { kBilinear, kNearest, kTwoStage };

Sampling SamplingOf(const double* packed) {
  if (packed[11] != 0) return Sampling::kTwoStage;
  return packed[6] != 0 ? Sampling::kNearest : Sampling::kBilinear;
}

// [n, output, output, 3], 0–1.
at::Tensor Sample(const SourceImages& sources, Sampling sampling, int64_t output) {
  if (sampling == Sampling::kTwoStage) return SampleTwoStage(sources, output) / kWhite;
  const auto centres = at::arange(output, sources.plans.options()) + 0.5;
  const auto [x, y] = sources.Through(0, centres.view({1, 1, -1}), centres.view({1, -1, 1}));
  switch (sampling) {
    case Sampling::kTwoStage:
      break;
    case Sampling::kNearest:
      return SampleNearest(sources, x, y) / kWhite;
    case Sampling::kBilinear:
      return SampleBilinear(sources, x, y) / kWhite;
  }
  return {};
}

at::Tensor ToFloats(const std::array<double, kChannels>& numbers, at::Device device) {
  return ToDevice(at::tensor(at::ArrayRef<double>(numbers), at::kFloat), device);
}

}  // namespace

at::Tensor RenderBatchOn(at::Device device, const Images& images, at::ScalarType dtype) {
  const int64_t size = images.size();
  SourcesOf(images, images.pixels.data(), /*cache=*/nullptr);  // throws unless all are brought
  const auto borrow = [](const auto& numbers, at::IntArrayRef shape, at::ScalarType type) {
    return at::from_blob(const_cast<void*>(static_cast<const void*>(numbers.data())), shape, type);
  };
  const auto pixels = ToDevice(HostTensor(images.pixels), device).view({-1, kChannels});
  const auto plans = ToDevice(borrow(images.plans, {size, kPlanLength}, at::kDouble), device);
  const auto shapes = ToDevice(borrow(images.shapes, {size, 2}, at::kInt), device).to(at::kLong);
  const auto areas = shapes.prod(1);
  const auto offsets = areas.cumsum(0) - areas;

  auto batch = at::empty({size, images.output, images.output, kChannels},
                         at::device(device).dtype(at::kFloat));
  for (const auto sampling : {Sampling::kBilinear, Sampling::kNearest, Sampling::kTwoStage}) {
    std::vector<int64_t> alike;
    bool bordered = false;
    bool coloured = false;
    for (int64_t i = 0; i < size; ++i) {
      const double* packed = images.plans.data() + i * kPlanLength;
      if (SamplingOf(packed) != sampling) continue;
      alike.push_back(i);
      bordered = bordered || packed[7] != 0;
      coloured = coloured || packed[19] != 0;
    }
    if (alike.empty()) continue;
    const auto rows = ToDevice(at::tensor(alike, at::kLong), device);
    const SourceImages sources{
        .plans = plans.index_select(0, rows),
        .heights = Each(shapes.select(1, 0).index_select(0, rows)),
        .widths = Each(shapes.select(1, 1).index_select(0, rows)),
        .offsets = Each(offsets.index_select(0, rows)),
        .pixels = pixels,
        .bordered = bordered,
    };
    const auto rgb = Sample(sources, sampling, images.output);
    batch.index_copy_(0, rows, coloured ? ApplyColour(sources, rgb) : rgb);
  }
  const auto mean = ToFloats(images.mean, device);
  const auto std = ToFloats(images.std, device);
  return ((batch - mean) / std).to(dtype).permute({0, 3, 1, 2});
}

}  // namespace torchgraft
