#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

namespace torchgraft {

// Helpers of our autograd functions.

// Turns autocast off: it is still on inside an autograd function, whose inputs are cast already.
class NoAutocast {
 private:
  const c10::impl::ExcludeDispatchKeyGuard guard_{
      c10::DispatchKeySet({c10::DispatchKey::AutocastCPU, c10::DispatchKey::AutocastCUDA})};
};

// x in channels_last, as the kernels read it: a gradient may come in any memory format.
inline at::Tensor ChannelsLast(const at::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace torchgraft
