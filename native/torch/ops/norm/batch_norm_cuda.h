#pragma once

#include <torch/types.h>

#include <future>
#include <map>
#include <memory>
#include <string>

#include "torch/cuda/driver/cuda_module.h"
#include "torch/ops/norm/batch_norm_passes.h"

namespace torchgraft {

// norm_passes.h's work on a CUDA device, by kernels that are compiled at run time: batch norm with
// its sum and ReLU in two passes over the tensor forward, and two backward, where libtorch takes a
// pass for each operation. On the engine thread, and on autograd's threads for the backward pass.
class DeviceNorm {
 public:
  // The kernels of an element type are made ready on a thread of their own, for some tenths of a
  // second where they are not in the cache: what follows waits for that, the destructor too.
  DeviceNorm(at::Device device, at::ScalarType type, KernelCache& cache);

  // Why libtorch's operations take the norms, in words; empty where the kernels do.
  const std::string& note() const { return made_.get().note; }

  // Whether the kernels take such a tensor: of that type, with channels in eights.
  bool Takes(const at::Tensor& x) const;

  // x, the residual and the gradients: channels_last, of the type.
  Normed Forward(const at::Tensor& x, const NormState& norm, const at::Tensor& residual, bool relu,
                 bool remember) const;
  NormGradients Backward(const at::Tensor& x, const at::Tensor& weight, const Normed& normed,
                         const at::Tensor& dy, const at::Tensor& dy_shortcut, bool relu,
                         bool training) const;

 private:
  struct Made {
    std::unique_ptr<CudaModule> module;  // null where there is a note
    CudaFunction statistics, finish, by_running, apply, gradient_sums, gradient_finish, gradient;
    std::string note;
  };

  static Made Make(int device, at::ScalarType type, KernelCache& cache);

  at::Device device_;
  at::ScalarType type_;
  std::shared_future<Made> made_;
};

}  // namespace torchgraft
