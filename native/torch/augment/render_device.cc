#include "torch/augment/render_device.h"

#include <ATen/Functions.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "torch/augment/render_operators.h"
#include "torch/cuda/driver/kernel_sources.h"
#include "torch/cuda/graphs/device_stream.h"
#include "torch/cuda/kernels/pack_images.h"
#include "torch/session/transfer.h"

namespace torchgraft {

namespace {

// The most blocks that CUDA allows along y of a grid; the kernel loops over further images.
constexpr int64_t kMaxGridRows = 65535;

at::Device WithIndex(at::Device device) {
  return device.has_index() ? device : c10::impl::VirtualGuardImpl(device.type()).getDevice();
}

unsigned CeilDiv(int64_t a, int64_t b) { return static_cast<unsigned>((a + b - 1) / b); }

// What `waiting` is given from now on begins after all that `stream` has been given.
void WaitFor(const c10::Stream& waiting, const c10::Stream& stream) {
  c10::Event given(stream.device_type());
  given.record(stream);
  given.block(waiting);
}

}  // namespace

DeviceRenderer::DeviceRenderer(at::Device device, KernelCache& cache)
    : device_(WithIndex(device)),
      compiled_(std::async(std::launch::async, Compile, static_cast<int>(device_.index()),
                           std::ref(cache))) {}

DeviceRenderer::Compiled DeviceRenderer::Compile(int device, KernelCache& cache) {
  try {
    Compiled compiled;
    compiled.module = std::make_unique<CudaModule>(device, kRenderKernelSource, cache);
    compiled.kernel = compiled.module->Find("RenderBatch");
    return compiled;
  } catch (const std::runtime_error& error) {
    return {nullptr, nullptr,
            "Images are augmented by libtorch's operations one by one, which takes longer than "
            "the kernel for it would: " +
                std::string(error.what())};
  }
}

int64_t DeviceRenderer::FreeMemory() const {
  const auto& module = compiled_.get().module;
  return module ? module->FreeMemory() : 0;
}

at::Tensor DeviceRenderer::Render(const Images& images, at::ScalarType dtype,
                                  PixelCache* cache) const {
  const auto out =
      at::empty({images.size(), 3, images.output, images.output},
                at::TensorOptions(device_).dtype(dtype), at::MemoryFormat::ChannelsLast);
  RenderInto(out, images, cache);
  return out;
}

void DeviceRenderer::RenderInto(const at::Tensor& out, const Images& images,
                                PixelCache* cache) const {
  if (!compiled_.get().kernel) {
    out.copy_(RenderBatchOn(device_, images, out.scalar_type()));
    return;
  }
  const auto current = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  const auto uploads = *DeviceStream(device_, StreamUse::kUpload);
  const auto uploaded = [&] {
    const c10::StreamGuard guard(uploads);
    return Upload(images, cache);
  }();
  WaitFor(current, uploads);
  RenderInto(out, images, uploaded);
  // On the stream that renders: so a place is not written to while a batch before is read there.
  if (cache != nullptr) cache->Keep(images, uploaded.pixels);
  // A later upload is given this one's memory: not before it has been read. Not by record_stream,
  // whose memory comes back no more once the capture of a CUDA graph has failed.
  WaitFor(uploads, current);
}

UploadedImages DeviceRenderer::Upload(const Images& images, const PixelCache* cache) const {
  const auto pixels = ToDevice(HostTensor(images.pixels), device_);
  const auto sources = SourcesOf(images, pixels.const_data_ptr<uint8_t>(), cache);
  return {pixels, ToDevice(PackImages(images, sources), device_)};
}

void DeviceRenderer::RenderInto(const at::Tensor& out, const Images& images,
                                const UploadedImages& uploaded) const {
  const auto job = MakeRenderJob(images, uploaded.images, out);
  const unsigned tiles = CeilDiv(job.output, kTileWidth) * CeilDiv(job.output, kTileHeight);
  const auto rows = static_cast<unsigned>(std::min(job.size, kMaxGridRows));
  const auto stream = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  compiled_.get().module->Launch(
      compiled_.get().kernel, {tiles, rows, 1},
      {static_cast<unsigned>(kTileWidth), static_cast<unsigned>(kTileHeight), 1}, &job,
      stream.native_handle());
}

}  // namespace torchgraft
