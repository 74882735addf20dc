#pragma once

// How the kernels of layers are laid out in threads, for the host too.

namespace torchgraft {

// Channels that a thread reads at once: one vector.
constexpr int kVector = 8;
// Threads of a block: each has one vector of channels, and strides over the rows.
constexpr int kBlockThreads = 256;
// The most vectors of channels in a block; wider layers have more blocks along y.
constexpr int kMaxVectors = 64;
// A block of a final reduction over parts: channels, and threads (a warp) a channel.
constexpr int kFinishChannels = 8;
constexpr int kFinishLanes = 32;
static_assert(kFinishChannels * kFinishLanes == kBlockThreads);

}  // namespace torchgraft
