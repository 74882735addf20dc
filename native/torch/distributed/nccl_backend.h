#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace torchgraft {

// c10d::ProcessGroupNCCL: collectives between GPUs. Throws ERR_DISTRIBUTED where this addon was
// built without the headers of CUDA and NCCL.
c10::intrusive_ptr<c10d::Backend> MakeNccl(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                           int world_size, at::Device device,
                                           std::chrono::milliseconds timeout);

}  // namespace torchgraft
