#pragma once

#include <torch/types.h>

#include <future>
#include <memory>
#include <string>

#include "torch/cuda/driver/cuda_module.h"
#include "torch/session/batch.h"

namespace torchgraft {

// A batch's inputs to the rendering kernel, on the device.
struct UploadedImages {
  at::Tensor pixels;  // uint8, all sources one after another
  at::Tensor images;  // uint8, [size · sizeof(ImageJob)]: PackImages
};

// RenderBatch on a CUDA device: one kernel with the CPU's arithmetic, compiled by NVRTC; where that
// fails, libtorch's operators (render_operators.h). Uploads the uint8 sources and the plans, and
// does not wait for the device. On the engine thread.
class DeviceRenderer {
 public:
  // Makes the kernel ready on a thread of its own, in some tenths of a second where it is not in
  // the cache. The other members wait for it, the destructor too.
  DeviceRenderer(at::Device device, KernelCache& cache);

  // Why libtorch's operators render, in words; empty where the kernel does.
  const std::string& note() const { return compiled_.get().note; }

  // [size, 3, output, output] in channels_last; float32, bfloat16 or float16.
  at::Tensor Render(const Images& images, at::ScalarType dtype) const;

  // Into an existing tensor of that shape, of one of these types, contiguous or channels_last. On
  // the current stream.
  void RenderInto(const at::Tensor& out, const Images& images) const;

  // The same in two parts, so that the upload can run on a stream of its own: each works on what is
  // the current stream when it is called. Only where `note` is empty.
  UploadedImages Upload(const Images& images) const;
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
