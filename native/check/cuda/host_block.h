#pragma once

#include <ucontext.h>

#include <functional>
#include <memory>
#include <vector>

namespace torchgraft {

// A block of a CUDA kernel's threads on one thread of the host. Each is a fiber, which runs until
// it waits for the others, or ends; then the next one's turn is.
class HostBlock {
 public:
  explicit HostBlock(unsigned threads);

  // Calls `kernel` once for each thread, whose number threadIdx tells.
  void Run(const std::function<void()>& kernel);

  // The block that runs: what __syncthreads and the like are about.
  static HostBlock& Current();

  // The calling thread waits until all have come here, or have ended.
  void Sync();

  // Of the calling thread, for __shfl_xor_sync: gives `value`, and takes that of another lane of
  // its warp.
  double Exchange(double value, unsigned lane_mask);

 private:
  struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool ended;
    double given[2];
    unsigned exchanges;
  };

  static void Enter();

  std::vector<Fiber> fibers_;
  ucontext_t scheduler_;
  const std::function<void()>* kernel_ = nullptr;
  unsigned running_ = 0;
};

}  // namespace torchgraft
