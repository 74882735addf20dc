#include "torch/distributed/gloo_backend.h"

#include <cstdlib>

#include "torch/distributed/local_address.h"

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace torchgraft {

c10::intrusive_ptr<c10d::Backend> MakeGloo(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                           int world_size, const std::string& master_address,
                                           std::chrono::milliseconds timeout) {
  using Gloo = c10d::ProcessGroupGloo;
  const auto address = std::getenv("GLOO_SOCKET_IFNAME") ? "" : LocalAddressTowards(master_address);
  auto options =
      address.empty() ? Gloo::Options::create_default(timeout) : Gloo::Options::create(timeout);
  if (!address.empty()) options->devices = {Gloo::createDeviceForHostname(address)};
  return c10::make_intrusive<Gloo>(store, rank, world_size, options);
}

}  // namespace torchgraft
