#include "torch/cuda/kernels/pack_images.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "torch/augment/resample.h"
#include "torch/augment/sampling.h"
#include "torch/session/error.h"

namespace torchgraft {

namespace {

constexpr int64_t kChannels = 3;
constexpr std::array<double, 6> kIdentity = {1, 0, 0, 0, 1, 0};

// `packed` is the plan, as src/augment/plan.ts packs it.
ResampleJob ResampleJobOf(const double* packed, int64_t output) {
  ResampleJob grid{};
  if (packed[11] == 0) return grid;
  grid.height = static_cast<int32_t>(packed[11]);
  grid.width = static_cast<int32_t>(packed[12]);
  grid.placed = !std::equal(kIdentity.begin(), kIdentity.end(), packed);
  const auto across = NormalizedRow(packed, output, grid.width);
  const auto down = NormalizedRow(packed + 3, output, grid.height);
  std::copy(across.begin(), across.end(), grid.across);
  std::copy(down.begin(), down.end(), grid.down);
  const double* resize = packed + 13;
  grid.column_scale = static_cast<float>(resize[0]);
  grid.column_shift = static_cast<float>(resize[2] - 0.5);
  grid.row_scale = static_cast<float>(resize[4]);
  grid.row_shift = static_cast<float>(resize[5] - 0.5);
  return grid;
}

PixelType TypeOf(const at::Tensor& out) {
  switch (out.scalar_type()) {
    case at::kFloat:
      return PixelType::kFloat;
    case at::kBFloat16:
      return PixelType::kBFloat16;
    case at::kHalf:
      return PixelType::kHalf;
    default:
      throw CodedError("ERR_BATCH_SHAPE", "Expected pixels in float32, bfloat16 or float16");
  }
}

}  // namespace

at::Tensor PackImages(const Images& images, const std::vector<const uint8_t*>& sources) {
  const int64_t size = images.size();
  const auto bytes = at::empty({size * static_cast<int64_t>(sizeof(ImageJob))}, at::kByte);
  auto* to = bytes.data_ptr<uint8_t>();
  for (int64_t i = 0; i < size; ++i, to += sizeof(ImageJob)) {
    const double* packed = images.plans.data() + i * kPlanLength;
    const int64_t height = images.shapes[2 * i];
    const int64_t width = images.shapes[2 * i + 1];
    const ImageJob image{
        .sampling = MakeSampling(images, packed, sources[i], height, width),
        .grid = ResampleJobOf(packed, images.output),
    };
    std::memcpy(to, &image, sizeof(image));
  }
  return bytes;
}

RenderJob MakeRenderJob(const Images& images, const at::Tensor& records, const at::Tensor& out) {
  const bool channels_last = out.is_contiguous(at::MemoryFormat::ChannelsLast);
  const std::array<int64_t, 4> shape = {images.size(), kChannels, images.output, images.output};
  if (out.sizes() != at::IntArrayRef(shape) || !(channels_last || out.is_contiguous())) {
    throw CodedError("ERR_BATCH_SHAPE",
                     "Expected a tensor of the batch's shape, contiguous or channels_last");
  }
  RenderJob job{
      .images = static_cast<const ImageJob*>(records.const_data_ptr()),
      .out = out.mutable_data_ptr(),
      .size = images.size(),
      .output = images.output,
      .type = TypeOf(out),
      .channels_last = channels_last,
      .mean = {},
      .std = {},
  };
  for (int c = 0; c < kChannels; ++c) {
    job.mean[c] = static_cast<float>(images.mean[c]);
    job.std[c] = static_cast<float>(images.std[c]);
  }
  return job;
}

}  // namespace torchgraft
