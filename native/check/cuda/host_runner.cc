#include "check/cuda/host_runner.h"

#include "check/cuda/cuda_on_host.h"
#include "check/cuda/host_kernels.h"
#include "torch/cuda/layers/thread_layout.h"

namespace torchgraft {

namespace {

// So few that tensors of the tests have several parts, and blocks with several rows a thread.
constexpr int kMultiprocessors = 2;

const HostKernels& Of(at::ScalarType type) {
  if (type == at::kFloat) return kHostKernelsFp32;
  return type == at::kBFloat16 ? kHostKernelsBf16 : kHostKernelsFp16;
}

class HostRunner : public KernelRunner {
 public:
  explicit HostRunner(at::ScalarType type)
      : kernels_(Of(type)), threads_(std::make_unique<HostBlock>(kBlockThreads)) {}

  void Launch(LayerKernel kernel, const Extent& grid, const void* job) const override {
    const auto run = kernels_[static_cast<size_t>(kernel)];
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {kBlockThreads, 1, 1};
    for (unsigned z = 0; z < grid[2]; ++z) {
      for (unsigned y = 0; y < grid[1]; ++y) {
        for (unsigned x = 0; x < grid[0]; ++x) {
          blockIdx = {x, y, z};
          threads_->Run([&] { run(job); });
        }
      }
    }
  }

  int multiprocessors() const override { return kMultiprocessors; }

 private:
  const HostKernels& kernels_;
  std::unique_ptr<HostBlock> threads_;
};

}  // namespace

LayerKernels KernelsOnHost(at::ScalarType type) {
  return {at::Device(at::kCPU), type, [type] { return std::make_unique<HostRunner>(type); }};
}

}  // namespace torchgraft
