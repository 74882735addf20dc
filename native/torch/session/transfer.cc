#include "torch/session/transfer.h"

#include <ATen/Functions.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <memory>

namespace torchgraft {

namespace {

// Pinned memory throws where there is no accelerator: only for transfers to or from one.
at::Tensor PinnedLike(const at::Tensor& tensor) {
  return at::empty(tensor.sizes(),
                   at::TensorOptions().dtype(tensor.scalar_type()).pinned_memory(true));
}

// The deleter of pinned memory: it owns the tensor whose memory that is.
struct TensorOwner {
  at::Tensor tensor;
  void operator()(const uint8_t*) { tensor.reset(); }
};

}  // namespace

AllocateBytes PinnedMemory() {
  return [](size_t bytes) {
    const auto options = at::TensorOptions().dtype(at::kByte).pinned_memory(true);
    const auto tensor = at::empty({static_cast<int64_t>(bytes)}, options);
    return std::shared_ptr<uint8_t>(tensor.data_ptr<uint8_t>(), TensorOwner{tensor});
  };
}

at::Tensor HostTensor(const PixelBuffer& pixels) {
  // The allocator's own tensor, not a view from its address: so copies of any part of it are known
  // to the allocator.
  if (const auto* owner = std::get_deleter<TensorOwner>(pixels.memory())) return owner->tensor;
  return at::from_blob(const_cast<uint8_t*>(pixels.data()), {static_cast<int64_t>(pixels.size())},
                       at::kByte);
}

at::Tensor ToDevice(const at::Tensor& host, at::Device device) {
  if (device.is_cpu()) return host;
  if (host.is_pinned()) return host.to(device, /*non_blocking=*/true);
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
