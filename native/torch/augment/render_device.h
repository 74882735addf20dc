#pragma once

#include <torch/types.h>

#include <future>
#include <memory>
#include <string>

#include "torch/augment/pixel_cache.h"
#include "torch/cuda/driver/cuda_module.h"
#include "torch/session/batch.h"

namespace torchgraft {

// A batch's inputs to the rendering kernel, on the device.
struct UploadedImages {
  at::Tensor pixels;  // uint8, the sources that the batch brings, one after another
  at::Tensor images;  // uint8, [size · sizeof(ImageJob)]: PackImages
};

// RenderBatch on a CUDA device: one kernel with the CPU's arithmetic, compiled by NVRTC; where that
// fails, libtorch's operators (render_operators.h). Uploads the uint8 sources and the plans, and
// does not wait for the device. On the engine thread.
//
// The upload goes to a stream of its own, and the rendering waits for it there: while the device is
// still at the backward pass of one batch, whose sums were told after the forward pass, the next is
// copied on the host and travels. Only from its rendering on does it wait for the step before; its
// upload waits for the rendering of the batch before.
class DeviceRenderer {
 public:
  // Makes the kernel ready on a thread of its own, in some tenths of a second where it is not in
  // the cache. The other members wait for it, the destructor too.
  DeviceRenderer(at::Device device, KernelCache& cache);

  // Why libtorch's operators render, in words; empty where the kernel does.
  const std::string& note() const { return compiled_.get().note; }

  // Bytes of the device's memory that nobody has taken; 0 where libtorch's operators render, which
  // take a batch that brings all its pixels.
  int64_t FreeMemory() const;

  // [size, 3, output, output] in channels_last; float32, bfloat16 or float16. With a cache, images
  // that come to stay are kept in it.
  at::Tensor Render(const Images& images, at::ScalarType dtype, PixelCache* cache = nullptr) const;

  // Into an existing tensor of that shape, of one of these types, contiguous or channels_last. On
  // the current stream.
  void RenderInto(const at::Tensor& out, const Images& images, PixelCache* cache = nullptr) const;

  // The same in two parts, each on what is the current stream when it is called. Only where `note`
  // is empty.
  UploadedImages Upload(const Images& images, const PixelCache* cache = nullptr) const;
  void RenderInto(const at::Tensor& out, const Images& images,
                  const UploadedImages& uploaded) const;

 private:
  struct Compiled {
    std::unique_ptr<CudaModule> module;  // null where `note` says why
    CudaFunction kernel = nullptr;
    std::string note;
  };

  static Compiled Compile(int device, KernelCache& cache);

  at::Device device_;
  std::shared_future<Compiled> compiled_;
};

}  // namespace torchgraft
