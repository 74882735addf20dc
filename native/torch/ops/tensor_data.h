#pragma once

#include <ATen/Functions.h>
#include <ATen/core/Tensor.h>

namespace torchgraft {

// A tensor's elements as kernels take them: float, or bfloat16's bits in uint16_t. nullptr if it is
// undefined.
template <typename Element>
const Element* ConstDataPtr(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<const Element*>(tensor.const_data_ptr()) : nullptr;
}

template <typename Element>
Element* DataPtr(const at::Tensor& tensor) {
  return static_cast<Element*>(tensor.mutable_data_ptr());
}

// Uninitialized images [n, channels, h, w], channels_last, with another tensor's type and device.
inline at::Tensor EmptyImages(at::IntArrayRef shape, const at::Tensor& like) {
  return at::empty(shape, like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

}  // namespace torchgraft
