#include "torch/augment/render.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <type_traits>
#include <variant>
#include <vector>

#include "torch/augment/render_device.h"
#include "torch/augment/render_operators.h"
#include "torch/augment/resample.h"
#include "torch/augment/sampling.h"
#include "torch/cuda/kernels/pack_images.h"
#include "torch/cuda/kernels/render_on_host.h"
#include "torch/kernels/resample/resample.h"
#include "torch/kernels/sample/sample.h"
#include "torch/ops/row_split.h"
#include "torch/session/error.h"
#include "torch/session/transfer.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;
constexpr int64_t kRowsPerTask = 16;

// Whether a packed plan (src/augment/plan.ts) has `snap`: resamples by way of a grid.
bool IsTwoStage(const double* packed) { return packed[11] != 0; }

using Image = std::variant<Sampling, ResampledImage>;

template <typename Out>
constexpr PixelType kTypeOf = std::is_same_v<Out, float>          ? PixelType::kFloat
                              : std::is_same_v<Out, at::BFloat16> ? PixelType::kBFloat16
                                                                  : PixelType::kHalf;

template <typename Out>
void Render(const Images& images, Out* out, const PixelCache* cache) {
  const int64_t output = images.output;
  std::vector<Image> sources;
  const ResampleGrid grid(output);
  const auto pixels = SourcesOf(images, images.pixels.data(), cache);
  for (int64_t i = 0; i < images.size(); ++i) {
    const double* packed = images.plans.data() + i * kPlanLength;
    const int64_t height = images.shapes[2 * i];
    const int64_t width = images.shapes[2 * i + 1];
    if (IsTwoStage(packed)) {
      sources.emplace_back(ResampledImage(images, packed, grid, pixels[i], height, width));
    } else {
      sources.emplace_back(MakeSampling(images, packed, pixels[i], height, width));
    }
  }
  const SampleKernel& sample = *kSample.Best(BestCpuLevel());
  const ResampleKernel& resample = *kResample.Best(BestCpuLevel());
  ParallelFor(images.size() * output, kRowsPerTask, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(std::max(SampleScratch(output), ResampleScratch(output)));
    while (begin < end) {
      const int64_t i = begin / output;
      const int64_t last = std::min(end, (i + 1) * output);
      Out* const to = out + begin * output * kChannels;
      const int64_t row = begin - i * output;
      const int64_t stop = row + last - begin;
      if (const auto* resampled = std::get_if<ResampledImage>(&sources[i])) {
        resample.rows(resampled->resampling(), row, stop, kTypeOf<Out>, to, scratch.data());
      } else {
        sample.rows(std::get<Sampling>(sources[i]), row, stop, kTypeOf<Out>, to, scratch.data());
      }
      begin = last;
    }
  });
}

}  // namespace

at::Tensor RenderBatch(const Images& images, at::ScalarType dtype, PixelCache* cache) {
  const auto batch = at::empty({images.size(), images.output, images.output, kChannels}, dtype);
  if (dtype == at::kBFloat16) {
    Render(images, batch.data_ptr<at::BFloat16>(), cache);
  } else if (dtype == at::kHalf) {
    Render(images, batch.data_ptr<at::Half>(), cache);
  } else {
    Render(images, batch.data_ptr<float>(), cache);
  }
  if (cache != nullptr) cache->Keep(images, HostTensor(images.pixels));
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
    throw CodedError("ERR_BATCH_SHAPE",
                     "Expected an array of as many floats as the rendered pixels");
  }
  const auto out = at::from_blob(into, shape, at::kFloat).permute({0, 3, 1, 2});
  switch (renderer) {
    case Renderer::kLoops:
      return Render(images, into, /*cache=*/nullptr);
    case Renderer::kKernel:
      return RenderOnHost(MakeRenderJob(
          images, PackImages(images, SourcesOf(images, images.pixels.data(), nullptr)), out));
    case Renderer::kCudaKernel: {
      KernelCache cache;
      const DeviceRenderer device(at::kCUDA, cache);
      if (!device.note().empty()) throw CodedError("ERR_DEVICE", device.note());
      out.copy_(device.Render(images, at::kFloat));
      return;
    }
    case Renderer::kOperations:
      out.copy_(RenderBatchOn(at::kCPU, images, at::kFloat));
      return;
  }
}

}  // namespace torchgraft
