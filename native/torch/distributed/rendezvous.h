#pragma once

#include <atomic>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "torch/distributed/group.h"

namespace torchgraft {

// Where ranks meet: a TCPStore, hosted by one of them or by their launcher.
struct Rendezvous {
  c10::intrusive_ptr<c10d::Store> host;   // of the process that hosts it
  c10::intrusive_ptr<c10d::Store> store;  // keys of this group alone
};

// Connects to the store and waits until all ranks have, each of them once and all with the same
// identity. Throws ERR_DISTRIBUTED, and where `cancelled` becomes true.
Rendezvous Meet(const GroupOptions& options, const std::atomic<bool>& cancelled);

// Waits until all ranks have left: while the store is needed.
void WaitForLeaving(c10d::Store& store, const GroupOptions& options);

// Where the store is, and who hosts it, in words.
std::string DescribeStore(const GroupOptions& options);

}  // namespace torchgraft
