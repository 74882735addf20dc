#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <future>
#include <memory>
#include <string>

#include "torch/cuda/driver/cuda_module.h"
#include "torch/cuda/layers/kernel_list.h"

namespace torchgraft {

#define TORCHGRAFT_ENUMERATOR(name, job) k##name,
enum class LayerKernel { TORCHGRAFT_LAYER_KERNELS(TORCHGRAFT_ENUMERATOR) kCount };
#undef TORCHGRAFT_ENUMERATOR
constexpr auto kLayerKernels = static_cast<size_t>(LayerKernel::kCount);

// layer_kernel.cu for an element type, as NVRTC compiles it: float, bfloat16 or float16.
std::string LayerKernelSource(at::ScalarType type);

// Where those kernels run: a CUDA device, or, in the tests, a host that has compiled them as C++.
class KernelRunner {
 public:
  virtual ~KernelRunner() = default;

  // In blocks of kBlockThreads, on the current stream, which it does not wait for. The job is
  // copied.
  virtual void Launch(LayerKernel kernel, const Extent& grid, const void* job) const = 0;
  virtual int multiprocessors() const = 0;
};

// The kernels that layers have on a CUDA device, for one element type. On the engine thread, and on
// autograd's threads for the backward pass.
class LayerKernels {
 public:
  using MakeRunner = std::function<std::unique_ptr<KernelRunner>()>;

  // The kernels are made ready on a thread of their own, for some tenths of a second where they are
  // not in the cache: what follows waits for that, the destructor too.
  LayerKernels(at::Device device, at::ScalarType type, KernelCache& cache);

  // By what `make` gives, which may throw std::runtime_error, in words.
  LayerKernels(at::Device device, at::ScalarType type, MakeRunner make);

  // Why libtorch's operations compute the layers, in words; empty where the kernels do.
  const std::string& note() const { return made_.get().note; }

  // Whether the kernels take such a tensor: of that type, with channels in eights.
  bool Takes(const at::Tensor& x) const;

  // In blocks of kBlockThreads.
  template <typename Job>
  void Launch(LayerKernel kernel, const Extent& grid, const Job& job) const {
    made_.get().runner->Launch(kernel, grid, &job);
  }

  int multiprocessors() const { return made_.get().runner->multiprocessors(); }

 private:
  struct Made {
    std::unique_ptr<KernelRunner> runner;  // null where there is a note
    std::string note;
  };

  static Made Make(const MakeRunner& make);

  at::Device device_;
  at::ScalarType type_;
  std::shared_future<Made> made_;
};

}  // namespace torchgraft
