#pragma once

#include <torch/types.h>

#include <future>
#include <memory>
#include <string>

#include "torch/cuda/driver/cuda_module.h"
#include "torch/session/batch.h"

namespace torchgraft {

// A batch on its way to a device: the sources' bytes, and what the kernel reads of each image.
struct UploadedImages {
  at::Tensor pixels;
  at::Tensor images;
};

// RenderBatch's work on a device, by one kernel that has its arithmetic; where that cannot be had,
// by libtorch's operations (augment_on_device.h). Only the uint8 sources and the plans cross, and
// the device is not waited for. On the engine thread.
class DeviceRenderer {
 public:
  // The kernel is compiled on a thread of its own, for some tenths of a second: all that follows
  // waits for that, the destructor too.
  explicit DeviceRenderer(at::Device device);

  // Why it is libtorch's operations that render, in words; empty where it is the kernel.
  const std::string& note() const { return made_.get().note; }

  // [size, 3, output, output] in channels_last; float32, bfloat16 or float16.
  at::Tensor Render(const Images& images, at::ScalarType dtype) const;

  // Into memory that stands: of that shape, one of these types, and either layout. By the current
  // stream.
  void RenderInto(const at::Tensor& out, const Images& images) const;

  // The same in two parts, for uploads that go on a stream of their own: the first uploads on the
  // current stream, the second renders on the current one then. For a renderer without a note.
  UploadedImages Upload(const Images& images) const;
  void RenderInto(const at::Tensor& out, const Images& images,
                  const UploadedImages& uploaded) const;

 private:
  struct Made {
    std::unique_ptr<CudaModule> module;  // null where there is a note
    CudaFunction kernel = nullptr;
    std::string note;
  };

  static Made Make(int device);

  at::Device device_;
  std::shared_future<Made> made_;
};

}  // namespace torchgraft
