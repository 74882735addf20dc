#include "torch/models/parameter_init.h"

#include <ATen/Functions.h>

namespace torchgraft {

at::Tensor ParameterInit::Draw(at::IntArrayRef shape, Distribution from) const {
  if (from.kind == Distribution::Kind::kConstant) return Full(shape, from.scale);
  auto tensor = at::empty(shape, at::device(device).dtype(at::kFloat));
  if (device.is_meta()) return tensor;
  return from.kind == Distribution::Kind::kNormal
             ? tensor.normal_(0, from.scale, generator)
             : tensor.uniform_(-from.scale, from.scale, generator);
}

at::Tensor ParameterInit::Full(at::IntArrayRef shape, double value, at::ScalarType dtype) const {
  return at::full(shape, value, at::device(device).dtype(dtype));
}

}  // namespace torchgraft
