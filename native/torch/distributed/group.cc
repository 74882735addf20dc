#include <ATen/Functions.h>

#include <torch/csrc/distributed/c10d/comm.hpp>
#include <utility>

#include "torch/distributed/gloo_backend.h"
#include "torch/distributed/group_impl.h"
#include "torch/distributed/nccl_backend.h"
#include "torch/distributed/store_keys.h"
#include "torch/session/error.h"

namespace torchgraft {

namespace {

using BackendType = c10d::ProcessGroup::BackendType;

// What c10d::broadcast_coalesced sends at once: PyTorch's for a model's state.
constexpr size_t kBroadcastBytes = 250 * 1024 * 1024;

std::chrono::milliseconds Timeout(const GroupOptions& options) {
  return std::chrono::milliseconds(static_cast<int64_t>(options.timeout * 1000));
}

at::Tensor Bytes(std::vector<uint8_t>& bytes) {
  return at::from_blob(bytes.data(), {static_cast<int64_t>(bytes.size())}, at::kByte);
}

}  // namespace

void Group::Impl::Join() {
  met_ = Meet(options, cancelled_);
  const int rank = options.rank;
  const int size = options.world_size;
  const auto timeout = Timeout(options);
  const at::Device device(options.device);
  const auto gloo = c10::make_intrusive<WatchedBackend>(
      MakeGloo(met_.store, rank, size, options.master_address, timeout));
  if (!device.is_cpu() && options.backend == "nccl")
    nccl_ = MakeNccl(met_.store, rank, size, device, timeout);
  Watch(gloo);
  process_group_ = c10::make_intrusive<c10d::ProcessGroup>(met_.store, rank, size);
  process_group_->setBackend(at::kCPU, BackendType::CUSTOM, gloo);
  if (device.is_cpu()) return;
  if (nccl_) {
    process_group_->setBackend(device.type(), BackendType::NCCL, nccl_);
  } else {
    process_group_->setBackend(device.type(), BackendType::CUSTOM, gloo);
  }
}

void Group::Impl::Watch(const c10::intrusive_ptr<WatchedBackend>& gloo) {
  const auto heartbeat = std::make_shared<Heartbeat>(
      met_.store->clone(),
      Heartbeat::Place{.rank = options.rank,
                       .world_size = options.world_size,
                       .store = DescribeStore(options),
                       .timeout = Timeout(options)},
      [gloo] { return gloo->begun(); },
      [gloo, nccl = nccl_](const std::string& why) {
        gloo->Fail(why);
        if (nccl) nccl->abort();  // or a GPU would wait for the ranks that do not come
      });
  gloo->SetExplain([watching = std::weak_ptr(heartbeat)](const std::string& error) {
    const auto alive = watching.lock();
    return alive ? alive->Explain(error) : error;
  });
  const std::lock_guard lock(mutex_);
  gloo_ = gloo;
  heartbeat_ = heartbeat;
}

const c10::intrusive_ptr<c10d::ProcessGroup>& Group::Impl::ProcessGroup() const {
  if (!process_group_) throw CodedError("ERR_DISPOSED", "This process has left its group");
  return process_group_;
}

void Group::Impl::BroadcastFirst(const std::vector<at::Tensor>& tensors) const {
  const at::NoGradGuard no_grad;
  c10d::broadcast_coalesced(ProcessGroup(), tensors, kBroadcastBytes, /*rank=*/0);
}

c10::intrusive_ptr<c10d::Work> Group::Impl::BeginAllReduce(const at::Tensor& numbers) const {
  std::vector<at::Tensor> tensors = {numbers};
  return ProcessGroup()->allreduce(tensors);
}

void Group::Impl::Close() {
  process_group_.reset();
  if (nccl_) nccl_->shutdown();
  nccl_.reset();
  const std::lock_guard lock(mutex_);
  heartbeat_.reset();
  gloo_.reset();
}

void Group::Impl::Leave() {
  if (!process_group_) return;
  heartbeat_->Stop();
  try {
    met_.store->set(LeftKey(options.rank), "");
    if (met_.host) WaitForLeaving(*met_.store, options);
  } catch (const c10::Error&) {
    // Who hosts the store has left before.
  }
  Close();
}

void Group::Impl::Abort(const std::string& reason) noexcept {
  cancelled_ = true;
  std::unique_lock lock(mutex_);
  const auto gloo = gloo_;
  const auto heartbeat = heartbeat_;
  lock.unlock();
  if (!gloo) return;
  try {
    const auto why = "Rank " + std::to_string(options.rank) + " ended: " + reason;
    heartbeat->ReportFailure(why);
    gloo->Fail(why);
  } catch (const std::exception&) {
    // The others find it out by themselves.
  }
}

Traffic Group::Impl::traffic() const {
  const std::lock_guard lock(mutex_);
  return gloo_ ? Traffic{.collectives = gloo_->begun(), .bytes = gloo_->bytes()} : Traffic{};
}

Group::Group(GroupOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Group::~Group() = default;

const GroupOptions& Group::options() const { return impl_->options; }

void Group::Join() { impl_->Join(); }

void Group::Barrier() { AllReduce({0}); }

std::vector<uint8_t> Group::Broadcast(std::vector<uint8_t> bytes, int root) {
  const auto length = at::scalar_tensor(static_cast<int64_t>(bytes.size()), at::kLong);
  const auto broadcast = [&](const at::Tensor& tensor) {
    std::vector<at::Tensor> tensors = {tensor};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    impl_->ProcessGroup()->broadcast(tensors, options)->wait();
  };
  broadcast(length);
  bytes.resize(static_cast<size_t>(length.item<int64_t>()));
  if (!bytes.empty()) broadcast(Bytes(bytes));
  return bytes;
}

std::vector<std::vector<uint8_t>> Group::AllGather(std::vector<uint8_t> bytes) {
  std::vector<std::vector<uint8_t>> all;
  for (int rank = 0; rank < options().world_size; ++rank)
    all.push_back(Broadcast(rank == options().rank ? bytes : std::vector<uint8_t>(), rank));
  return all;
}

std::vector<double> Group::AllReduce(std::vector<double> numbers) {
  const auto tensor =
      at::from_blob(numbers.data(), {static_cast<int64_t>(numbers.size())}, at::kDouble);
  impl_->BeginAllReduce(tensor)->wait();
  return numbers;
}

void Group::Leave() { impl_->Leave(); }

Traffic Group::traffic() const { return impl_->traffic(); }

void Group::Abort(const std::string& reason) noexcept { impl_->Abort(reason); }

}  // namespace torchgraft
