#include "torch/optim/autocast.h"

#include <ATen/autocast_mode.h>

namespace torchgraft {

namespace autocast = at::autocast;

AutocastGuard::AutocastGuard(c10::DeviceType device, bool enabled, c10::ScalarType dtype)
    : device_(device),
      enabled_before_(autocast::is_autocast_enabled(device)),
      cache_enabled_before_(autocast::is_autocast_cache_enabled()),
      dtype_before_(autocast::get_autocast_dtype(device)) {
  autocast::set_autocast_enabled(device, enabled);
  autocast::set_autocast_dtype(device, dtype);
  autocast::set_autocast_cache_enabled(true);
  autocast::increment_nesting();
}

AutocastGuard::~AutocastGuard() {
  if (autocast::decrement_nesting() == 0) autocast::clear_cache();
  autocast::set_autocast_enabled(device_, enabled_before_);
  autocast::set_autocast_dtype(device_, dtype_before_);
  autocast::set_autocast_cache_enabled(cache_enabled_before_);
}

}  // namespace torchgraft
