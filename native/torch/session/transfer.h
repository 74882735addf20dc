#pragma once

#include <c10/core/Event.h>
#include <torch/types.h>

#include <optional>

namespace torchgraft {

// A copy on the device, by way of pinned memory: nobody waits for it. On the CPU the tensor itself.
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
