#pragma once

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

namespace torchgraft {

// torch.autocast for a scope on the current thread. Autocast's state is thread-local and would leak
// into the next job on the thread, so the destructor restores all of it.
class AutocastGuard {
 public:
  AutocastGuard(c10::DeviceType device, bool enabled, c10::ScalarType dtype);
  ~AutocastGuard();

  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  c10::DeviceType device_;
  bool enabled_before_;
  bool cache_enabled_before_;
  c10::ScalarType dtype_before_;
};

}  // namespace torchgraft
