#pragma once

#include <ATen/core/Tensor.h>

namespace torchgraft {

// A convolution padded by half its kernel, with its bias, a sum and ReLU in the same pass:
// libtorch's own operators on oneDNN, for float and bf16 on the CPU, channels_last, without
// gradients.
class FusedConv {
 public:
  // `weight` and `bias` in double. The weight is laid out once, as oneDNN wants it. Throws
  // c10::Error where this libtorch or this processor has no such operators.
  FusedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride, int64_t groups,
            at::ScalarType type);

  at::Tensor Run(const at::Tensor& x, bool relu) const;

  // relu(conv(x) + added)
  at::Tensor RunAdded(const at::Tensor& x, const at::Tensor& added) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  int64_t padding_;
  int64_t stride_;
  int64_t groups_;
};

}  // namespace torchgraft
