#include "torch/cuda/graphs/device_graph.h"

#include <stdexcept>

#ifdef TORCHGRAFT_CUDA_HEADERS
#include <cuda.h>
#endif

// With CUDA headers older than 12.4 the class would have another layout than in libtorch's build.
#if defined(CUDA_VERSION) && CUDA_VERSION >= 12040
#include <ATen/cuda/CUDAGraph.h>
#define TORCHGRAFT_CAPTURES 1
#define TORCHGRAFT_CUDA_GRAPH 1
#elif __has_include(<ATen/accelerator/Graph.h>)
#include <ATen/accelerator/Graph.h>
#define TORCHGRAFT_CAPTURES 1
#endif

namespace torchgraft {

#ifdef TORCHGRAFT_CAPTURES

// Thread-local capture: CUDA calls of other threads, such as other libraries', neither fail nor end
// the capture.
struct DeviceGraph::Impl {
#ifdef TORCHGRAFT_CUDA_GRAPH
  static constexpr auto kMode = cudaStreamCaptureModeThreadLocal;
  at::cuda::CUDAGraph graph;
#else
  static constexpr auto kMode = at::GraphCaptureMode::ThreadLocal;
  at::accelerator::Graph graph;
#endif
};

bool DeviceGraph::CanCapture() {
#ifdef TORCHGRAFT_CUDA_GRAPH
  return true;
#else
  return at::has_graph_impl(at::kCUDA);
#endif
}

DeviceGraph::DeviceGraph() : impl_(std::make_unique<Impl>()) {}

void DeviceGraph::Capture(c10::MempoolId_t pool, const std::function<void()>& work) {
  impl_->graph.capture_begin(pool, Impl::kMode);
  try {
    work();
  } catch (...) {
    // The stream must leave capture mode, or it takes no more work.
    try {
      impl_->graph.capture_end();
    } catch (const std::exception&) {
      // What broke the capture is thrown already.
    }
    throw;
  }
  impl_->graph.capture_end();
}

void DeviceGraph::Replay() { impl_->graph.replay(); }

c10::MempoolId_t DeviceGraph::pool() const { return impl_->graph.pool(); }

#else

struct DeviceGraph::Impl {};

bool DeviceGraph::CanCapture() { return false; }

DeviceGraph::DeviceGraph() = default;

void DeviceGraph::Capture(c10::MempoolId_t, const std::function<void()>&) {
  throw std::logic_error("This addon was built without support for CUDA graphs");
}

void DeviceGraph::Replay() {}

c10::MempoolId_t DeviceGraph::pool() const { return {0, 0}; }

#endif

DeviceGraph::~DeviceGraph() = default;

}  // namespace torchgraft
