#include "torch/models/graph.h"

#include <utility>

namespace torchgraft {

const char* NameOf(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "";
    case Activation::kRelu:
      return "relu";
    case Activation::kSigmoid:
      return "sigmoid";
  }
  return "";
}

std::string GraphBuilder::Add(GraphNode node) {
  graph_.push_back(std::move(node));
  return graph_.back().name;
}

std::map<std::string, TensorUse> TensorUses(const Graph& graph) {
  std::map<std::string, TensorUse> uses;
  for (const auto& node : graph) {
    const bool norm = node.op == Op::kBatchNorm;
    const bool head = &node == &graph.back();
    if (!node.weight.empty())
      uses[node.weight] = {norm ? TensorRole::kNorm : TensorRole::kWeight, head};
    if (!node.bias.empty()) uses[node.bias] = {norm ? TensorRole::kNorm : TensorRole::kBias, head};
  }
  return uses;
}

}  // namespace torchgraft
