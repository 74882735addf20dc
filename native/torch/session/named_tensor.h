#pragma once

#include <torch/types.h>

#include <string>

namespace torchgraft {

// A tensor by the name that Python's state_dict gives it.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  bool trainable;
};

}  // namespace torchgraft
