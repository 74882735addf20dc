#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <vector>

namespace torchgraft {

// Gloo, whose waits for CPU tensors can be ended. Gloo itself knows nothing but its
// time-out: a thread that waits for a rank would not return before that.
class WatchedBackend : public c10d::Backend {
 public:
  // Says what has happened where a collective failed with `error`, and may take its time: it is
  // called on a thread of Gloo's.
  using Explain = std::function<std::string(const std::string& error)>;

  explicit WatchedBackend(c10::intrusive_ptr<c10d::Backend> gloo);
  ~WatchedBackend() override;

  // Before the first collective.
  void SetExplain(Explain explain);

  const std::string getBackendName() const override { return gloo_->getBackendName(); }

  c10::intrusive_ptr<c10d::Work> broadcast(std::vector<at::Tensor>& tensors,
                                           const c10d::BroadcastOptions& options) override;
  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& tensors,
                                           const c10d::AllreduceOptions& options) override;
  c10::intrusive_ptr<c10d::Work> allgather(std::vector<std::vector<at::Tensor>>& outputs,
                                           std::vector<at::Tensor>& inputs,
                                           const c10d::AllgatherOptions& options) override;

  // From any thread: all waits, and all collectives from now on, throw ERR_DISTRIBUTED with this
  // reason. The first one stays.
  void Fail(const std::string& reason);

  // Throws where Fail was called, or a collective failed.
  void Check() const;

  // Collectives begun, and the bytes of this rank's tensors in them.
  uint64_t begun() const { return begun_; }
  uint64_t bytes() const { return bytes_; }

 private:
  struct Waits;

  c10::intrusive_ptr<c10d::Work> Watch(
      const std::vector<at::Tensor>& tensors,
      const std::function<c10::intrusive_ptr<c10d::Work>()>& begin);

  c10::intrusive_ptr<c10d::Backend> gloo_;
  std::shared_ptr<Waits> waits_;  // shared with Gloo's threads, which may outlive this
  std::atomic<uint64_t> begun_{0};
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace torchgraft
