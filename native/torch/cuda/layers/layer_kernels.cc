#include "torch/cuda/layers/layer_kernels.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "torch/cuda/driver/kernel_sources.h"
#include "torch/cuda/layers/thread_layout.h"

namespace torchgraft {

namespace {

#define TORCHGRAFT_NAME(name, job) #name,
constexpr std::array<const char*, kLayerKernels> kNames = {
    TORCHGRAFT_LAYER_KERNELS(TORCHGRAFT_NAME)};
#undef TORCHGRAFT_NAME

class CudaRunner : public KernelRunner {
 public:
  CudaRunner(at::Device device, at::ScalarType type, KernelCache& cache)
      : device_(device),
        module_(static_cast<int>(device.index()), LayerKernelSource(type).c_str(), cache) {
    for (size_t i = 0; i < kLayerKernels; ++i) functions_[i] = module_.Find(kNames[i]);
  }

  void Launch(LayerKernel kernel, const Extent& grid, const void* job) const override {
    auto* const stream =
        c10::impl::VirtualGuardImpl(device_.type()).getStream(device_).native_handle();
    module_.Launch(functions_[static_cast<size_t>(kernel)], grid, {kBlockThreads, 1, 1}, job,
                   stream);
  }

  int multiprocessors() const override { return module_.multiprocessors(); }

 private:
  at::Device device_;
  CudaModule module_;
  std::array<CudaFunction, kLayerKernels> functions_{};
};

}  // namespace

std::string LayerKernelSource(at::ScalarType type) {
  const int element = type == at::kFloat ? 0 : type == at::kBFloat16 ? 1 : 2;
  return "#define TORCHGRAFT_ELEMENT " + std::to_string(element) + "\n" + kLayerKernelSource;
}

LayerKernels::LayerKernels(at::Device device, at::ScalarType type, KernelCache& cache)
    : LayerKernels(device, type, [device, type, &cache] {
        return std::make_unique<CudaRunner>(device, type, cache);
      }) {}

LayerKernels::LayerKernels(at::Device device, at::ScalarType type, MakeRunner make)
    : device_(device),
      type_(type),
      made_(std::async(std::launch::async, Make, std::move(make)).share()) {}

LayerKernels::Made LayerKernels::Make(const MakeRunner& make) {
  try {
    return {make(), ""};
  } catch (const std::runtime_error& error) {
    return {nullptr,
            "Batch norms and squeeze-and-excitation are computed by libtorch's operations, which "
            "takes longer than kernels for them would: " +
                std::string(error.what())};
  }
}

bool LayerKernels::Takes(const at::Tensor& x) const {
  return x.device() == device_ && x.dim() == 4 && x.numel() > 0 && x.scalar_type() == type_ &&
         x.size(1) % kVector == 0 && made_.get().runner;
}

}  // namespace torchgraft
