#pragma once

#include <c10/core/Allocator.h>

#include <functional>
#include <memory>

namespace torchgraft {

// Work of a CUDA device, recorded once and launched as a whole: a CUDA graph, by way of
// at::cuda::CUDAGraph where the addon is compiled with CUDA's headers. Else by
// at::accelerator::Graph, which wants no such headers: libtorch 2.13 has it, for a CUDA device only
// where it says so.
//
// What is recorded reads and writes the addresses that its tensors had: they must outlive it.
class DeviceGraph {
 public:
  // Whether this build of the addon can record at all, with the libtorch that it runs on.
  static bool CanRecord();

  DeviceGraph();
  ~DeviceGraph();

  // Records what `work` asks of the current stream, which must not be the default one. Nothing is
  // computed. Memory comes from `pool`, {0, 0} for a new one; graphs that share one must not be
  // launched side by side. What `work` throws, and what cannot be recorded, is thrown.
  void Record(c10::MempoolId_t pool, const std::function<void()>& work);

  // On the current stream; nobody waits.
  void Launch();

  c10::MempoolId_t pool() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace torchgraft
