#include "torch/cuda/graphs/device_stream.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <map>
#include <string>

namespace torchgraft {

std::optional<c10::Stream> DeviceStream(const c10::Device& device) {
  if (device.is_cpu()) return std::nullopt;
  // The third of the process's mutable statics: libtorch's streams and their workspaces are the
  // process's too.
  static std::map<std::string, c10::Stream> streams;
  auto found = streams.find(device.str());
  if (found == streams.end()) {
    const c10::impl::VirtualGuardImpl guard(device.type());
    found = streams.emplace(device.str(), guard.getStreamFromGlobalPool(device)).first;
  }
  return found->second;
}

}  // namespace torchgraft
