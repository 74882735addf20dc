#include "torch/cuda/driver/kernel_cache.h"

#include <utility>

namespace torchgraft {

KernelCache::KernelCache(std::vector<CompiledKernel> known) {
  for (auto& [key, code] : known) known_[key] = std::move(code);
}

const std::string* KernelCache::Find(const std::string& key) const {
  const auto found = known_.find(key);
  return found == known_.end() ? nullptr : &found->second;
}

void KernelCache::Add(CompiledKernel kernel) {
  const std::lock_guard lock(mutex_);
  added_.push_back(std::move(kernel));
}

std::vector<CompiledKernel> KernelCache::added() const {
  const std::lock_guard lock(mutex_);
  return added_;
}

}  // namespace torchgraft
