#include "torch/cuda/graphs/device_stream.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <map>
#include <string>
#include <utility>

namespace torchgraft {

std::optional<c10::Stream> DeviceStream(const c10::Device& device, StreamUse use) {
  if (device.is_cpu()) return std::nullopt;
  // The third of the process's mutable statics: libtorch's streams and their workspaces are the
  // process's too.
  static std::map<std::pair<std::string, StreamUse>, c10::Stream> streams;
  const auto key = std::pair(device.str(), use);
  auto found = streams.find(key);
  if (found == streams.end()) {
    const c10::impl::VirtualGuardImpl guard(device.type());
    found = streams.emplace(key, guard.getStreamFromGlobalPool(device)).first;
  }
  return found->second;
}

}  // namespace torchgraft
