#pragma once

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

namespace torchgraft {

// Autocast for the current thread and scope. Its state is the thread's and would leak into the next
// job on the same thread, so all of it is put back.
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
