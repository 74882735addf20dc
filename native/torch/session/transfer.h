#pragma once

#include <c10/core/Event.h>
#include <torch/types.h>

#include <optional>

#include "torch/session/batch.h"

namespace torchgraft {

// Gives pinned (page-locked) memory, from which copies to a device need no other copy and which
// nobody waits for. Given back, it is handed out again only after the copies of its tensor
// (HostTensor) have ended: libtorch's host allocator sees to it.
AllocateBytes PinnedMemory();

// uint8, [bytes]: a batch's pixels, not copied; in pinned memory where they came into such.
at::Tensor HostTensor(const PixelBuffer& pixels);

// A copy on the device, by way of pinned memory where the tensor is in other: nobody waits for it.
// On the CPU the tensor itself.
at::Tensor ToDevice(const at::Tensor& host, at::Device device);

// A tensor on its way to the host: asked for at once, waited for when it is read. Work that the
// device is given in between is not waited for.
class HostCopy {
 public:
  explicit HostCopy(const at::Tensor& tensor);

  const at::Tensor& Wait() const;

 private:
  at::Tensor host_;
  std::optional<c10::Event> arrived_;  // none on the CPU
};

}  // namespace torchgraft
