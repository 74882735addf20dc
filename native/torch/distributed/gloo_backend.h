#pragma once

#include <chrono>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace torchgraft {

// c10d::ProcessGroupGloo: collectives over TCP, of tensors on the CPU, and on a GPU by way of it.
// Connects all ranks to each other. They are met at the interface that GLOO_SOCKET_IFNAME names, as
// PyTorch's are; else at the one that leads to `master_address`.
c10::intrusive_ptr<c10d::Backend> MakeGloo(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                           int world_size, const std::string& master_address,
                                           std::chrono::milliseconds timeout);

}  // namespace torchgraft
