#include "torch/cuda/graphs/device_graph.h"

#include <stdexcept>

#ifdef TORCHGRAFT_CUDA_HEADERS
#include <cuda.h>
#endif

// With older headers than libtorch's its class has fewer members than its library knows.
#if defined(CUDA_VERSION) && CUDA_VERSION >= 12040
#include <ATen/cuda/CUDAGraph.h>
#define TORCHGRAFT_RECORDS 1
#define TORCHGRAFT_CUDA_GRAPH 1
#elif __has_include(<ATen/accelerator/Graph.h>)
#include <ATen/accelerator/Graph.h>
#define TORCHGRAFT_RECORDS 1
#endif

namespace torchgraft {

#ifdef TORCHGRAFT_RECORDS

// What other threads ask of the device meanwhile, other libraries' say, neither fails nor ends the
// recording.
struct DeviceGraph::Impl {
#ifdef TORCHGRAFT_CUDA_GRAPH
  static constexpr auto kMode = cudaStreamCaptureModeThreadLocal;
  at::cuda::CUDAGraph graph;
#else
  static constexpr auto kMode = at::GraphCaptureMode::ThreadLocal;
  at::accelerator::Graph graph;
#endif
};

bool DeviceGraph::CanRecord() {
#ifdef TORCHGRAFT_CUDA_GRAPH
  return true;
#else
  return at::has_graph_impl(at::kCUDA);
#endif
}

DeviceGraph::DeviceGraph() : impl_(std::make_unique<Impl>()) {}

void DeviceGraph::Record(c10::MempoolId_t pool, const std::function<void()>& work) {
  impl_->graph.capture_begin(pool, Impl::kMode);
  try {
    work();
  } catch (...) {
    // The stream must leave its recording, or it takes no work any more.
    try {
      impl_->graph.capture_end();
    } catch (const std::exception&) {
      // What broke the recording is thrown already.
    }
    throw;
  }
  impl_->graph.capture_end();
}

void DeviceGraph::Launch() { impl_->graph.replay(); }

c10::MempoolId_t DeviceGraph::pool() const { return impl_->graph.pool(); }

#else

struct DeviceGraph::Impl {};

bool DeviceGraph::CanRecord() { return false; }

DeviceGraph::DeviceGraph() = default;

void DeviceGraph::Record(c10::MempoolId_t, const std::function<void()>&) {
  throw std::logic_error("This addon was built without what records CUDA graphs");
}

void DeviceGraph::Launch() {}

c10::MempoolId_t DeviceGraph::pool() const { return {0, 0}; }

#endif

DeviceGraph::~DeviceGraph() = default;

}  // namespace torchgraft
