#pragma once

#include <c10/core/Allocator.h>

#include <functional>
#include <memory>

namespace torchgraft {

// A device's work, captured once and replayed as a whole: a CUDA graph, or a test's stand-in.
//
// A replay reads and writes the addresses of the captured tensors: they must outlive the graph.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;

  // Captures what `work` enqueues on the current stream, which must not be the default one; nothing
  // is computed. Memory comes from the pool `pool`, {0, 0} for a new one; graphs that share a pool
  // must not be replayed at the same time. Throws what `work` throws, and where it cannot be
  // captured.
  virtual void Capture(c10::MempoolId_t pool, const std::function<void()>& work) = 0;

  // Enqueues the graph on the current stream, without waiting for it.
  virtual void Replay() = 0;

  virtual c10::MempoolId_t pool() = 0;
};

// Whether this build of the addon can capture CUDA graphs with the libtorch that it runs on.
bool CanCaptureGraphs();

// A CUDA graph: by at::cuda::CUDAGraph where the addon is compiled with CUDA's headers, else by
// at::accelerator::Graph of libtorch 2.13, which needs none and supports CUDA devices where
// at::has_graph_impl says so.
std::unique_ptr<DeviceGraph> MakeCudaGraph();

}  // namespace torchgraft
