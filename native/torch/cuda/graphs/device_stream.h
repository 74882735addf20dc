#pragma once

#include <c10/core/Stream.h>

#include <optional>

namespace torchgraft {

// The stream that all sessions of a device work on, beside the default one, which CUDA graphs
// cannot be recorded on. None on the CPU. Sessions' steps never overlap, and libtorch keeps a
// workspace for each stream that multiplied matrices until the process ends. On the engine thread.
std::optional<c10::Stream> DeviceStream(const c10::Device& device);

}  // namespace torchgraft
