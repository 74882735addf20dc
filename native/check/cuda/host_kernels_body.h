// Defines HOST_KERNELS from layer_kernel.cu for the element type TORCHGRAFT_ELEMENT.

#include "check/cuda/cuda_on_host.h"
#include "check/cuda/host_kernels.h"
#include "torch/cuda/layers/layer_kernel.cu"

namespace torchgraft {

namespace {

template <typename Job, void (*kKernel)(Job)>
void Run(const void* job) {
  kKernel(*static_cast<const Job*>(job));
}

}  // namespace

#define TORCHGRAFT_RUN(name, job) Run<job, name>,
const HostKernels HOST_KERNELS = {TORCHGRAFT_LAYER_KERNELS(TORCHGRAFT_RUN)};
#undef TORCHGRAFT_RUN

}  // namespace torchgraft
