#include "torch/session/transfer.h"

#include <ATen/Functions.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace torchgraft {

namespace {

// Pinned memory throws where there is no accelerator: only for transfers to or from one.
at::Tensor PinnedLike(const at::Tensor& tensor) {
  return at::empty(tensor.sizes(),
                   at::TensorOptions().dtype(tensor.scalar_type()).pinned_memory(true));
}

}  // namespace

at::Tensor ToDevice(const at::Tensor& host, at::Device device) {
  if (device.is_cpu()) return host;
  const auto pinned = PinnedLike(host);
  pinned.copy_(host);
  // The pinned memory is used again only after the copy: libtorch's host allocator sees to it.
  return pinned.to(device, /*non_blocking=*/true);
}

HostCopy::HostCopy(const at::Tensor& tensor) {
  const auto device = tensor.device();
  if (device.is_cpu()) {
    host_ = tensor;
    return;
  }
  host_ = PinnedLike(tensor);
  host_.copy_(tensor, /*non_blocking=*/true);
  arrived_.emplace(device.type());
  arrived_->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
}

const at::Tensor& HostCopy::Wait() const {
  if (arrived_) arrived_->synchronize();
  return host_;
}

}  // namespace torchgraft
