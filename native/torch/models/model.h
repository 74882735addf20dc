#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>
#include <string>

#include "torch/models/graph.h"
#include "torch/models/layers.h"

namespace torchgraft {

// An image classifier: its parameters, its forward pass, and its layers as data.
class Model : public torch::nn::Module {
 public:
  // images [n, 3, h, w] → logits [n, classes]
  virtual at::Tensor Forward(const at::Tensor& x) = 0;

  // Adds its layers in the order in which Forward computes them. Folded scoring, ONNX, summaries
  // and parameter groups read these.
  virtual void Describe(GraphBuilder& graph) const = 0;
};

// A model by its name (registry.cc has a row for each family), with new parameters. Throws
// ERR_MODEL_UNKNOWN.
std::shared_ptr<Model> MakeModel(const std::string& name, int64_t classes,
                                 const LayerContext& context);

Graph GraphOf(const Model& model);

}  // namespace torchgraft
