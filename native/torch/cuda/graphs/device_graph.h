#pragma once

#include <c10/core/Allocator.h>

#include <functional>
#include <memory>

namespace torchgraft {

// A CUDA graph: a device's work, captured once and replayed as a whole. By at::cuda::CUDAGraph
// where the addon is compiled with CUDA's headers, else by at::accelerator::Graph of libtorch 2.13,
// which needs none and supports CUDA devices where at::has_graph_impl says so.
//
// A replay reads and writes the addresses of the captured tensors: they must outlive the graph.
class DeviceGraph {
 public:
  // Whether this build of the addon can capture graphs with the libtorch that it runs on.
  static bool CanCapture();

  DeviceGraph();
  ~DeviceGraph();

  // Captures what `work` enqueues on the current stream, which must not be the default one; nothing
  // is computed. Memory comes from the pool `pool`, {0, 0} for a new one; graphs that share a pool
  // must not be replayed at the same time. Throws what `work` throws, and where it cannot be
  // captured.
  void Capture(c10::MempoolId_t pool, const std::function<void()>& work);

  // Enqueues the graph on the current stream, without waiting for it.
  void Replay();

  c10::MempoolId_t pool() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace torchgraft
