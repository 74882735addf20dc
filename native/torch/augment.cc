#include "augment.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <vector>

#include "augment_on_device.h"
#include "error.h"
#include "kernels/sample.h"
#include "snap.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;
constexpr float kWhite = 255;
constexpr int64_t kRowsPerTask = 16;

struct Source {
  const uint8_t* pixels;
  int64_t height;
  int64_t width;

  const uint8_t* at(int64_t x, int64_t y) const { return pixels + (y * width + x) * kChannels; }
};

// src/data/plan.ts tells which number is which.
bool Snaps(const double* packed) { return packed[11] != 0; }

Sampling MakeSampling(const Images& images, const double* packed, const Source& source) {
  Sampling sampling{};
  sampling.pixels = source.pixels;
  sampling.height = source.height;
  sampling.width = source.width;
  sampling.output = images.output;
  std::copy_n(packed, 6, sampling.geometry);
  sampling.nearest = packed[6] != 0;
  sampling.reflect = packed[7] == 0;
  sampling.has_colour = packed[19] != 0;
  for (int c = 0; c < kChannels; ++c) {
    sampling.border[c] = static_cast<float>(packed[8 + c]) * kWhite;
    sampling.scale[c] = static_cast<float>(1 / images.std[c]);
    sampling.shift[c] = static_cast<float>(-images.mean[c] / images.std[c]);
  }
  for (int i = 0; i < 12; ++i) {
    sampling.colour[i] = static_cast<float>(packed[20 + i]);
  }
  return sampling;
}

// A plan that snaps: held to PyTorch's last bit, so the colours are divided by 255, and then the
// mean is taken away and divided by the standard deviation, each rounded.
class SnappedPicture {
 public:
  SnappedPicture(const Images& images, const double* packed, const SnapGrid& grid,
                 const Source& source)
      : source_(source),
        snap_(MakeSnap(packed, grid, source.height, source.width)),
        output_(images.output),
        reflect_(packed[7] == 0),
        has_colour_(packed[19] != 0) {
    for (int c = 0; c < kChannels; ++c) {
      border_[c] = static_cast<float>(packed[8 + c]) * kWhite / kWhite;
      mean_[c] = static_cast<float>(images.mean[c]);
      std_[c] = static_cast<float>(images.std[c]);
    }
    for (int i = 0; i < 12; ++i) colour_[i] = static_cast<float>(packed[20 + i]);
  }

  template <typename Out>
  void Render(int64_t row, Out* out) const {
    for (int64_t column = 0; column < output_; ++column, out += kChannels) {
      const auto [gx, gy] = snap_.Place(row, column);
      float rgb[kChannels];
      Sample(gx, gy, rgb);
      if (has_colour_) Mix(rgb);
      for (int c = 0; c < kChannels; ++c) out[c] = static_cast<Out>((rgb[c] - mean_[c]) / std_[c]);
    }
  }

 private:
  // From a pixel of the snap grid to the source.
  void Sample(int64_t gx, int64_t gy, float* rgb) const {
    const bool inside = gx >= 0 && gx < snap_.width() && gy >= 0 && gy < snap_.height();
    if (!inside && !reflect_) {
      std::copy_n(border_, kChannels, rgb);
      return;
    }
    const AxisTap& x = snap_.x[Mirror(gx, snap_.width())];
    const AxisTap& y = snap_.y[Mirror(gy, snap_.height())];
    const uint8_t* taps[] = {source_.at(x.first, y.first), source_.at(x.second, y.first),
                             source_.at(x.first, y.second), source_.at(x.second, y.second)};
    for (int c = 0; c < kChannels; ++c) {
      const float top = x.Blend(taps[0][c] / kWhite, taps[1][c] / kWhite);
      const float bottom = x.Blend(taps[2][c] / kWhite, taps[3][c] / kWhite);
      rgb[c] = y.Blend(top, bottom);
    }
  }

  void Mix(float* rgb) const {
    const float* m = colour_;
    float mixed[kChannels];
    for (int c = 0; c < kChannels; ++c, m += 4) {
      mixed[c] = std::clamp(m[0] * rgb[0] + m[1] * rgb[1] + m[2] * rgb[2] + m[3], 0.0f, 1.0f);
    }
    std::copy_n(mixed, kChannels, rgb);
  }

  Source source_;
  Snap snap_;
  int64_t output_;
  bool reflect_;
  bool has_colour_;
  float border_[kChannels];
  float colour_[12];
  float mean_[kChannels];
  float std_[kChannels];
};

template <typename Out>
constexpr PixelType kTypeOf = std::is_same_v<Out, float>          ? PixelType::kFloat
                              : std::is_same_v<Out, at::BFloat16> ? PixelType::kBFloat16
                                                                  : PixelType::kHalf;

template <typename Out>
void Render(const Images& images, Out* out) {
  const int64_t output = images.output;
  std::vector<Sampling> samplings;
  std::vector<std::optional<SnappedPicture>> snapped;
  const SnapGrid grid(output);
  const uint8_t* pixels = images.pixels.data();
  for (int64_t i = 0; i < images.size(); ++i) {
    const double* packed = images.plans.data() + i * kPlanLength;
    const Source source{pixels, images.shapes[2 * i], images.shapes[2 * i + 1]};
    pixels += source.height * source.width * kChannels;
    samplings.push_back(MakeSampling(images, packed, source));
    snapped.emplace_back();
    if (Snaps(packed)) snapped.back().emplace(images, packed, grid, source);
  }
  const SampleRows sample = BestSampleRows();
  at::parallel_for(0, images.size() * output, kRowsPerTask, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(SampleScratch(output));
    while (begin < end) {
      const int64_t i = begin / output;
      const int64_t last = std::min(end, (i + 1) * output);
      Out* const to = out + begin * output * kChannels;
      const int64_t row = begin - i * output;
      const int64_t rows = last - begin;
      if (snapped[i]) {
        for (int64_t k = 0; k < rows; ++k) snapped[i]->Render(row + k, to + k * output * kChannels);
      } else {
        sample(samplings[i], row, row + rows, kTypeOf<Out>, to, scratch.data());
      }
      begin = last;
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

void RenderFloats(const Images& images, Renderer renderer, float* into, size_t length) {
  CheckImages(images);
  const std::vector<int64_t> shape = {images.size(), images.output, images.output, kChannels};
  if (length != static_cast<size_t>(c10::multiply_integers(shape))) {
    throw CodedError("ERR_BATCH_SHAPE", "Expected as much room as the rendered pixels take");
  }
  if (renderer == Renderer::kLoops) {
    Render(images, into);
  } else {
    at::from_blob(into, shape, at::kFloat)
        .copy_(RenderBatchOn(at::kCPU, images, at::kFloat).permute({0, 2, 3, 1}));
  }
}

}  // namespace torchgraft
