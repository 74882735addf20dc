#pragma once

#include <ATen/Functions.h>
#include <ATen/core/Tensor.h>

namespace torchgraft {

// A tensor's numbers as loops take them: float, or bfloat16's bits. nullptr of one that is
// undefined.
template <typename Element>
const Element* ConstDataPtr(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<const Element*>(tensor.const_data_ptr()) : nullptr;
}

template <typename Element>
Element* DataPtr(const at::Tensor& tensor) {
  return static_cast<Element*>(tensor.mutable_data_ptr());
}

// Of [n, channels, h, w], channels_last, of another's type.
inline at::Tensor EmptyImages(at::IntArrayRef shape, const at::Tensor& like) {
  return at::empty(shape, like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

}  // namespace torchgraft
