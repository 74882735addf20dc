#pragma once

#include <c10/core/Stream.h>

#include <optional>

namespace torchgraft {

// Computing: everything but copies of batches to the device, which are uploads.
enum class StreamUse { kCompute, kUpload };

// A stream that all sessions of a device share; not the default one, on which CUDA graphs cannot be
// captured. None on the CPU. One of a use is enough, since sessions' steps never overlap, and
// libtorch keeps a cuBLAS workspace for each stream until the process ends. On the engine thread.
std::optional<c10::Stream> DeviceStream(const c10::Device& device,
                                        StreamUse use = StreamUse::kCompute);

}  // namespace torchgraft
