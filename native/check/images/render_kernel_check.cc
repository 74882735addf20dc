#include "check/images/render_kernel_check.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <random>

#include "check/images/render_check.h"
#include "check/images/resample_reference.h"
#include "torch/augment/render.h"
#include "torch/augment/render_device.h"
#include "torch/augment/resample.h"
#include "torch/cuda/kernels/pack_images.h"
#include "torch/cuda/kernels/render_on_host.h"
#include "torch/session/transfer.h"

namespace torchgraft {

namespace {

constexpr int64_t kChannels = 3;

using RenderInto = std::function<void(const at::Tensor& out, const Images& images)>;

// Every second image snaps to a grid near the output's size, every sixth by itself.
void Snap(std::mt19937& random, Images& images) {
  for (int64_t i = 0; i < images.size(); i += 2) {
    double* plan = images.plans.data() + i * kPlanLength;
    const int64_t height = images.shapes[2 * i];
    const int64_t width = images.shapes[2 * i + 1];
    plan[11] = static_cast<double>(images.output + random() % 9 - 4);
    plan[12] = static_cast<double>(images.output + random() % 9 - 4);
    plan[13] = static_cast<double>(width) / plan[12];
    plan[15] = random() % 3 == 0 ? 0.3 : 0;
    plan[17] = static_cast<double>(height) / plan[11];
    if (i % 6 == 0) {
      const std::array<double, 6> identity = {1, 0, 0, 0, 1, 0};
      std::copy(identity.begin(), identity.end(), plan);
    }
  }
}

// Each product and each sum rounded, one after another, whatever libtorch's product does here.
std::vector<float> PlacesApart(const double* plan, int64_t output, int64_t height, int64_t width) {
  const auto across = NormalizedRow(plan, output, width);
  const auto down = NormalizedRow(plan + 3, output, height);
  const float first = 0.5f - static_cast<float>(output) / 2;
  std::vector<float> places;
  for (int64_t row = 0; row < output; ++row) {
    for (int64_t column = 0; column < output; ++column) {
      const float u = first + static_cast<float>(column);
      const float v = first + static_cast<float>(row);
      places.push_back(u * across[0] + v * across[1] + across[2]);
      places.push_back(u * down[0] + v * down[1] + down[2]);
    }
  }
  return places;
}

// What the CPU's kernels give, float32 in channels_last.
at::Tensor Expected(const Images& images) {
  const auto batch = RenderBatch(images, at::kFloat);
  const int64_t numbers = images.output * images.output * kChannels;
  const ResampleGrid grid(images.output);
  const uint8_t* pixels = images.pixels.data();
  for (int64_t i = 0; i < images.size(); ++i) {
    const double* plan = images.plans.data() + i * kPlanLength;
    const int64_t height = images.shapes[2 * i];
    const int64_t width = images.shapes[2 * i + 1];
    if (plan[11] != 0) {
      const ResampledImage image(images, plan, grid, pixels, height, width);
      Resampling resampling = image.resampling();
      const auto places =
          PlacesApart(plan, images.output, resampling.grid_height, resampling.grid_width);
      if (resampling.places != nullptr) resampling.places = places.data();
      const auto one_by_one = ResampleOneByOne(resampling);
      std::copy(one_by_one.begin(), one_by_one.end(), batch.data_ptr<float>() + i * numbers);
    }
    pixels += height * width * kChannels;
  }
  return batch;
}

at::Tensor Bits(const at::Tensor& numbers) {
  return numbers.view(numbers.element_size() == 4 ? at::kInt : at::kShort);
}

RenderInto OnHost() {
  return [](const at::Tensor& out, const Images& images) {
    RenderOnHost(MakeRenderJob(
        images, PackImages(images, SourcesOf(images, images.pixels.data(), nullptr)), out));
  };
}

RenderInto OnDevice(const std::string& name) {
  const at::Device device(name);
  KernelCache cache;
  const auto renderer = std::make_shared<DeviceRenderer>(device, cache);
  if (!renderer->note().empty()) throw std::runtime_error(renderer->note());
  return [device, renderer](const at::Tensor& out, const Images& images) {
    const auto there = at::empty_like(out, out.options().device(device));
    renderer->RenderInto(there, images);
    out.copy_(there);
  };
}

}  // namespace

void CheckRenderKernel(const std::vector<std::string>& arguments) {
  const auto seed = static_cast<uint32_t>(std::stoul(arguments.at(0)));
  const auto render = arguments.size() > 1 ? OnDevice(arguments[1]) : OnHost();
  auto images = MakeImages(seed);
  std::mt19937 random(seed);
  Snap(random, images);
  CheckImages(images);
  const auto expected = Expected(images);
  std::printf("{\"compared\":%lld", static_cast<long long>(expected.numel()));
  for (const auto type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    for (const auto layout : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
      const auto out = at::empty(expected.sizes(), at::TensorOptions(type), layout);
      render(out, images);
      const auto differing = Bits(out.contiguous()).ne(Bits(expected.to(type).contiguous())).sum();
      std::printf(",\"%s %s\":%lld", c10::toString(type),
                  layout == at::MemoryFormat::ChannelsLast ? "channels_last" : "contiguous",
                  static_cast<long long>(differing.item<int64_t>()));
    }
  }
  std::printf("}\n");
}

}  // namespace torchgraft
