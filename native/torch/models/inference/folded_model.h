#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "torch/models/graph.h"
#include "torch/models/inference/folded_conv.h"
#include "torch/models/inference/folded_excitation.h"

namespace torchgraft {

// A model for scoring on the CPU in float or bf16: its graph as a list of steps, each batch norm
// folded into the convolution before it, ReLU and the residual sum into the convolution's own pass.
class FoldedModel {
 public:
  // Of the model's state as it is now, by its state_dict names. Throws c10::Error where this
  // libtorch or this processor has no operators for a layer, or there is no step for it.
  FoldedModel(const Graph& graph, const std::map<std::string, at::Tensor>& state,
              at::ScalarType type);

  // [n, 3, h, w], channels_last → logits [n, classes], float32. Under InferenceMode.
  at::Tensor Logits(const at::Tensor& pixels) const;

  // Activations are numbered: 0 is the pixels.
  struct ConvStep {
    FoldedConv conv;
    bool relu;
    std::optional<size_t> residual;  // added before ReLU
  };
  struct PoolStep {};
  struct FlattenStep {};
  struct LinearStep {
    at::Tensor weight;
    at::Tensor bias;
  };
  struct Step {
    std::variant<ConvStep, FoldedExcitation, PoolStep, FlattenStep, LinearStep> layer;
    size_t input;
    size_t output;
    std::vector<size_t> finished = {};  // what no step after this one reads
  };

 private:
  at::Tensor LogitsOfSome(const at::Tensor& pixels) const;

  std::vector<Step> steps_;
  int64_t classes_;
};

}  // namespace torchgraft
