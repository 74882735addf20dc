#include "torch/models/cast_weights.h"

#include "torch/ops/cast.h"

namespace torchgraft {

CastWeights::CastWeights(const Model& model, at::ScalarType type) {
  for (const auto& module : model.modules()) {
    if (auto* conv_norm = module->as<ConvNormImpl>()) {
      parameters_.push_back(&conv_norm->weight());
    } else if (auto* linear = module->as<LinearImpl>()) {
      parameters_.push_back(&linear->weight());
      parameters_.push_back(&linear->bias());
    }
  }
  std::vector<at::Tensor> tensors;
  tensors.reserve(parameters_.size());
  for (const auto* parameter : parameters_) tensors.push_back(parameter->tensor);
  const auto cast = CastTogether(tensors, type);
  for (size_t i = 0; i < cast.size(); ++i) parameters_[i]->cast = cast[i];
}

CastWeights::~CastWeights() {
  for (auto* parameter : parameters_) parameter->cast.reset();
}

}  // namespace torchgraft
