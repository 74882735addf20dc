#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace torchgraft {

// Float tensors in a lower type, as to(type) has them, in the same strides. On a GPU one kernel
// casts up to 64 of them (at::_foreach_copy_) and one their gradients, which to() would cast by
// kernels of their own: for small tensors launching is all that takes time. Their gradients come
// together, when the last of them is known.
std::vector<at::Tensor> CastTogether(const std::vector<at::Tensor>& tensors, at::ScalarType type);

}  // namespace torchgraft
