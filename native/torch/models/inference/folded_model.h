#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "torch/models/graph.h"
#include "torch/models/inference/folded_layers.h"

namespace torchgraft {

// A model for scoring: its graph as a list of steps, each batch norm folded into the convolution
// before it, ReLU and the residual sum into the convolution's own pass.
class FoldedModel {
 public:
  // Of the model's state as it is now, by its state_dict names. Throws c10::Error where this
  // libtorch or this processor has no operators for a layer, or there is no step for it.
  FoldedModel(const Graph& graph, const std::map<std::string, at::Tensor>& state,
              FoldedLayers& layers);

  // [n, 3, h, w], channels_last → logits [n, classes], float32. Under InferenceMode.
  at::Tensor Logits(const at::Tensor& pixels) const;

  // Activations are numbered: 0 is the pixels.
  struct ConvStep {
    std::shared_ptr<const FoldedConv> conv;
    bool relu;
    std::optional<size_t> residual;  // added before ReLU
  };
  struct ExcitationStep {
    std::shared_ptr<const FoldedExcitation> excitation;
  };
  struct PoolStep {};
  struct FlattenStep {};
  struct LinearStep {
    at::Tensor weight;
    at::Tensor bias;
  };
  struct Step {
    std::variant<ConvStep, ExcitationStep, PoolStep, FlattenStep, LinearStep> layer;
    size_t input;
    size_t output;
    std::vector<size_t> finished = {};  // what no step after this one reads
  };

 private:
  at::Tensor LogitsOfSome(const at::Tensor& pixels) const;

  std::vector<Step> steps_;
  int64_t classes_;
  bool threads_take_images_;
};

}  // namespace torchgraft
