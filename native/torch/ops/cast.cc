#include "torch/ops/cast.h"

#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace torchgraft {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// With other strides, or of several types, they would be copied one by one.
variable_list CopiesOf(at::TensorList tensors, at::ScalarType type) {
  variable_list copies;
  copies.reserve(tensors.size());
  for (const auto& tensor : tensors)
    copies.push_back(at::empty_like(tensor, tensor.options().dtype(type)));
  if (!copies.empty()) at::_foreach_copy_(copies, tensors);
  return copies;
}

struct Cast : torch::autograd::Function<Cast> {
  static variable_list forward(AutogradContext* context, at::TensorList tensors,
                               at::ScalarType type) {
    auto copies = CopiesOf(tensors, type);
    variable_list fixed;  // else all would require gradients as soon as one does
    for (size_t i = 0; i < tensors.size(); ++i)
      if (!tensors[i].requires_grad()) fixed.push_back(copies[i]);
    context->mark_non_differentiable(fixed);
    context->set_materialize_grads(false);
    return copies;
  }

  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    variable_list known;
    for (const auto& gradient : gradients)
      if (gradient.defined()) known.push_back(gradient);
    const auto copies = CopiesOf(known, at::kFloat);
    variable_list cast(gradients.size() + 1);  // the last: of the type
    auto copy = copies.begin();
    for (size_t i = 0; i < gradients.size(); ++i)
      if (gradients[i].defined()) cast[i] = *copy++;
    return cast;
  }
};

}  // namespace

std::vector<at::Tensor> CastTogether(const std::vector<at::Tensor>& tensors, at::ScalarType type) {
  return Cast::apply(at::TensorList(tensors), type);
}

}  // namespace torchgraft
