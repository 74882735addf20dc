#include "check/cuda/host_block.h"

#include "check/cuda/cuda_on_host.h"

namespace torchgraft {

namespace {

constexpr size_t kStackBytes = 64 * 1024;
constexpr unsigned kWarp = 32;

HostBlock* current = nullptr;

}  // namespace

HostBlock::HostBlock(unsigned threads) : fibers_(threads) {
  for (Fiber& fiber : fibers_) fiber.stack = std::make_unique_for_overwrite<char[]>(kStackBytes);
}

HostBlock& HostBlock::Current() { return *current; }

void HostBlock::Enter() {
  (*current->kernel_)();
  current->fibers_[current->running_].ended = true;
}

void HostBlock::Run(const std::function<void()>& kernel) {
  current = this;
  kernel_ = &kernel;
  for (Fiber& fiber : fibers_) {
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = &scheduler_;
    fiber.ended = false;
    fiber.exchanges = 0;
    makecontext(&fiber.context, &HostBlock::Enter, /*argc=*/0);
  }
  for (bool all_ended = false; !all_ended;) {
    all_ended = true;
    for (unsigned i = 0; i < fibers_.size(); ++i) {
      if (fibers_[i].ended) continue;
      running_ = i;
      threadIdx = {i, 0, 0};
      swapcontext(&scheduler_, &fibers_[i].context);
      all_ended = all_ended && fibers_[i].ended;
    }
  }
}

void HostBlock::Sync() { swapcontext(&fibers_[running_].context, &scheduler_); }

double HostBlock::Exchange(double value, unsigned lane_mask) {
  Fiber& self = fibers_[running_];
  const unsigned turn =
      self.exchanges++ % 2;  // what is given next is beside what is yet to be taken
  self.given[turn] = value;
  Sync();
  const unsigned lane = running_ % kWarp ^ lane_mask;
  return fibers_[running_ - running_ % kWarp + lane].given[turn];
}

}  // namespace torchgraft
