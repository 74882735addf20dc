#include "torch/distributed/nccl_backend.h"

#include "torch/session/error.h"

#ifdef TORCHGRAFT_NCCL_HEADERS
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace torchgraft {

#ifdef TORCHGRAFT_NCCL_HEADERS

c10::intrusive_ptr<c10d::Backend> MakeNccl(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                           int world_size, at::Device device,
                                           std::chrono::milliseconds timeout) {
  using Nccl = c10d::ProcessGroupNCCL;
  auto options = Nccl::Options::create();
  options->timeout = timeout;
  auto nccl = c10::make_intrusive<Nccl>(store, rank, world_size, options);
  nccl->setBoundDeviceId(device);
  return nccl;
}

#else

c10::intrusive_ptr<c10d::Backend> MakeNccl(const c10::intrusive_ptr<c10d::Store>&, int, int,
                                           at::Device, std::chrono::milliseconds) {
  throw CodedError("ERR_DISTRIBUTED",
                   "This addon was built without NCCL: its headers, or CUDA's, did not lie beside "
                   "libtorch when it was built (pip: nvidia-nccl, nvidia-cuda-runtime, "
                   "nvidia-cuda-crt). Set it up again where they do, or reduce by gloo");
}

#endif

}  // namespace torchgraft
