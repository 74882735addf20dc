#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace torchgraft {

// [count], float32: from −1 to 1, times a factor. Decided by the name alone, here and in
// test/parity/generator/optimizer.py.
at::Tensor DrawnNumbers(const std::string& name, int64_t count, double factor);

}  // namespace torchgraft
