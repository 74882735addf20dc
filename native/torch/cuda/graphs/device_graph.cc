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

namespace {

class CudaGraph final : public DeviceGraph {
 public:
  void Capture(c10::MempoolId_t pool, const std::function<void()>& work) override {
    graph_.capture_begin(pool, kMode);
    try {
      work();
    } catch (...) {
      // The stream must leave capture mode, or it takes no more work.
      try {
        graph_.capture_end();
      } catch (const std::exception&) {
        // What broke the capture is thrown already.
      }
      throw;
    }
    graph_.capture_end();
  }

  void Replay() override { graph_.replay(); }

  c10::MempoolId_t pool() override { return graph_.pool(); }

 private:
  // Thread-local capture: CUDA calls of other threads, such as other libraries', neither fail nor
  // end the capture.
#ifdef TORCHGRAFT_CUDA_GRAPH
  static constexpr auto kMode = cudaStreamCaptureModeThreadLocal;
  at::cuda::CUDAGraph graph_;
#else
  static constexpr auto kMode = at::GraphCaptureMode::ThreadLocal;
  at::accelerator::Graph graph_;
#endif
};

}  // namespace

bool CanCaptureGraphs() {
#ifdef TORCHGRAFT_CUDA_GRAPH
  return true;
#else
  return at::has_graph_impl(at::kCUDA);
#endif
}

std::unique_ptr<DeviceGraph> MakeCudaGraph() { return std::make_unique<CudaGraph>(); }

#else

bool CanCaptureGraphs() { return false; }

std::unique_ptr<DeviceGraph> MakeCudaGraph() {
  throw std::logic_error("This addon was built without support for CUDA graphs");
}

#endif

}  // namespace torchgraft
