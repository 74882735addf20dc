#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

#include "torch/distributed/group.h"
#include "torch/distributed/heartbeat.h"
#include "torch/distributed/rendezvous.h"
#include "torch/distributed/watched_backend.h"

namespace torchgraft {

// A group as the session sees it, with tensors. On the engine thread, but for Abort.
struct Group::Impl {
  explicit Impl(GroupOptions options) : options(std::move(options)) {}

  void Join();
  void Leave();
  void Abort(const std::string& reason) noexcept;
  Traffic traffic() const;

  // Throws where the group has been left, or joined never.
  const c10::intrusive_ptr<c10d::ProcessGroup>& ProcessGroup() const;

  // Throws where the group has failed: a GPU's collectives do not.
  void Check() const { gloo_->Check(); }

  // Rank 0's numbers, into all ranks' tensors.
  void BroadcastFirst(const std::vector<at::Tensor>& tensors) const;

  // Sums over all ranks, in place. The numbers are there once the work is waited for.
  c10::intrusive_ptr<c10d::Work> BeginAllReduce(const at::Tensor& numbers) const;

  const GroupOptions options;

 private:
  void Watch(const c10::intrusive_ptr<WatchedBackend>& gloo);
  void Close();

  std::atomic<bool> cancelled_{false};
  Rendezvous met_;
  c10::intrusive_ptr<c10d::ProcessGroup> process_group_;
  c10::intrusive_ptr<c10d::Backend> nccl_;  // where it reduces a GPU's tensors
  mutable std::mutex mutex_;                // of the next two, which Abort takes
  c10::intrusive_ptr<WatchedBackend> gloo_;
  std::shared_ptr<Heartbeat> heartbeat_;
};

}  // namespace torchgraft
