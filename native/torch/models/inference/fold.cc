#include "torch/models/inference/fold.h"

#include <ATen/Functions.h>

#include <iterator>
#include <set>

namespace torchgraft {

namespace {

using Step = FoldedModel::Step;

// A convolution of the graph, with its batch norm where one follows it.
struct FoldableConv {
  const GraphNode* conv;
  const GraphNode* norm;  // null: none
};

// From the last node to the first: what ends a step takes those before it that it computes too.
class Folding {
 public:
  Folding(const Graph& graph, const std::map<std::string, at::Tensor>& state, FoldedLayers& layers)
      : graph_(graph), state_(state), layers_(layers) {
    for (size_t i = 0; i < graph.size(); ++i) {
      index_[graph[i].name] = i + 1;
      for (const auto& input : graph[i].inputs) ++readers_[input];
    }
    index_[GraphBuilder::kInput] = 0;
  }

  std::vector<Step> Steps() {
    std::vector<Step> steps;
    for (auto node = graph_.rbegin(); node != graph_.rend(); ++node) {
      if (folded_.count(node->name) == 0) steps.push_back(StepOf(*node));
    }
    return {std::make_move_iterator(steps.rbegin()), std::make_move_iterator(steps.rend())};
  }

 private:
  Step StepOf(const GraphNode& node) {
    switch (node.op) {
      case Op::kConv:
      case Op::kBatchNorm:
        return ConvStep(node, ConvAt(node.name), /*relu=*/false);
      case Op::kActivation:
        return ReluStep(node);
      case Op::kMul:
        return ExcitationStep(node);
      case Op::kGlobalAvgPool:
        return SingleStep(node, FoldedModel::PoolStep{});
      case Op::kFlatten:
        return SingleStep(node, FoldedModel::FlattenStep{});
      case Op::kLinear:
        return SingleStep(node, FoldedModel::LinearStep{Tensor(node.weight).detach(),
                                                        Tensor(node.bias).detach()});
      case Op::kAdd:
        break;
    }
    TORCH_CHECK(false, "There is no step for ", node.name);
  }

  template <typename Layer>
  Step SingleStep(const GraphNode& node, Layer layer) const {
    return {std::move(layer), Index(node.inputs[0]), Index(node.name)};
  }

  // relu(norm(conv(x))), or relu(norm(conv(x)) + residual)
  Step ReluStep(const GraphNode& relu) {
    TORCH_CHECK(relu.activation == Activation::kRelu, "There is no step for ", relu.name);
    const auto* before = Only(relu.inputs[0]);
    if (!before || before->op != Op::kAdd)
      return ConvStep(relu, ConvAt(relu.inputs[0], /*only=*/true), /*relu=*/true);
    folded_.insert(before->name);
    const auto& first = before->inputs[0];
    const auto& second = before->inputs[1];
    const auto summing = ConvAt(second, /*only=*/true);
    if (summing.conv && summing.conv->groups == 1)
      return ConvStep(relu, summing, /*relu=*/true, Index(first));
    const auto other = ConvAt(first, /*only=*/true);
    TORCH_CHECK(other.conv && other.conv->groups == 1, "There is no step for ", relu.name);
    return ConvStep(relu, other, /*relu=*/true, Index(second));
  }

  Step ConvStep(const GraphNode& end, const FoldableConv& found, bool relu,
                std::optional<size_t> residual = std::nullopt) {
    const auto& [conv, norm] = found;
    TORCH_CHECK(conv, "There is no step for ", end.name);
    folded_.insert(conv->name);
    if (norm) folded_.insert(norm->name);
    return {FoldedModel::ConvStep{Folded(*conv, norm), relu, residual}, Index(conv->inputs[0]),
            Index(end.name)};
  }

  // The norm within the convolution, by the running statistics, in double.
  std::shared_ptr<const FoldedConv> Folded(const GraphNode& conv, const GraphNode* norm) const {
    const ConvGeometry geometry{conv.stride, conv.padding, conv.groups};
    const auto weight = Tensor(conv.weight).to(at::kDouble);
    const auto bias = conv.bias.empty() ? at::zeros({weight.size(0)}, weight.options())
                                        : Tensor(conv.bias).to(at::kDouble);
    if (!norm) return layers_.Conv(conv.name, weight, bias, geometry);
    const auto var = Tensor(norm->running_var).to(at::kDouble);
    const auto scale = Tensor(norm->weight).to(at::kDouble).div(var.add(norm->eps).sqrt());
    const auto mean = Tensor(norm->running_mean).to(at::kDouble).sub(bias);
    const auto shift = Tensor(norm->bias).to(at::kDouble).sub(mean.mul(scale));
    return layers_.Conv(conv.name, weight.mul(scale.view({-1, 1, 1, 1})), shift, geometry);
  }

  // x · sigmoid(fc2(relu(fc1(mean of x))))
  Step ExcitationStep(const GraphNode& scaled) {
    const auto& x = scaled.inputs[0];
    const auto* sigmoid = Expect(scaled.inputs[1], Op::kActivation, scaled);
    const auto* fc2 = Expect(sigmoid->inputs[0], Op::kConv, scaled);
    const auto* relu = Expect(fc2->inputs[0], Op::kActivation, scaled);
    const auto* fc1 = Expect(relu->inputs[0], Op::kConv, scaled);
    const auto* pool = Expect(fc1->inputs[0], Op::kGlobalAvgPool, scaled);
    // In place, so nobody else may read x.
    TORCH_CHECK(pool->inputs[0] == x && readers_.at(x) == 2 && fc1->kernel == 1 &&
                    fc2->kernel == 1 && relu->activation == Activation::kRelu &&
                    sigmoid->activation == Activation::kSigmoid,
                "There is no step for ", scaled.name);
    for (const auto* node : {sigmoid, fc2, relu, fc1, pool}) folded_.insert(node->name);
    const ExcitationWeights weights{.fc1_weight = Tensor(fc1->weight).flatten(1),
                                    .fc1_bias = Tensor(fc1->bias),
                                    .fc2_weight = Tensor(fc2->weight).flatten(1),
                                    .fc2_bias = Tensor(fc2->bias)};
    return SingleStep(scaled,
                      FoldedModel::ExcitationStep{layers_.Excitation(scaled.name, weights)});
  }

  // The convolution, or convolution and norm, that a name is the output of; `only`: which nothing
  // else reads.
  FoldableConv ConvAt(const std::string& name, bool only = false) const {
    const auto* end = only ? Only(name) : Node(name);
    if (!end) return {};
    if (end->op == Op::kConv) return {end, nullptr};
    if (end->op != Op::kBatchNorm) return {};
    const auto* conv = Only(end->inputs[0]);
    return conv && conv->op == Op::kConv ? FoldableConv{conv, end} : FoldableConv{};
  }

  const GraphNode* Expect(const std::string& name, Op op, const GraphNode& end) const {
    const auto* node = Only(name);
    TORCH_CHECK(node && node->op == op, "There is no step for ", end.name);
    return node;
  }

  // Null: the images.
  const GraphNode* Node(const std::string& name) const {
    const size_t index = Index(name);
    return index == 0 ? nullptr : &graph_[index - 1];
  }

  // One that a single other reads, else null.
  const GraphNode* Only(const std::string& name) const {
    return readers_.at(name) == 1 ? Node(name) : nullptr;
  }

  size_t Index(const std::string& name) const { return index_.at(name); }
  const at::Tensor& Tensor(const std::string& name) const { return state_.at(name); }

  const Graph& graph_;
  const std::map<std::string, at::Tensor>& state_;
  FoldedLayers& layers_;
  std::map<std::string, size_t> index_;
  std::map<std::string, int> readers_;
  std::set<std::string> folded_;  // nodes that steps have taken
};

// Tells each step which activations end with it.
void EndActivations(std::vector<Step>& steps) {
  std::set<size_t> read;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const auto reads = [&](size_t activation) {
      if (read.insert(activation).second) step->finished.push_back(activation);
    };
    reads(step->input);
    if (const auto* conv = std::get_if<FoldedModel::ConvStep>(&step->layer); conv && conv->residual)
      reads(*conv->residual);
  }
}

}  // namespace

std::vector<Step> Fold(const Graph& graph, const std::map<std::string, at::Tensor>& state,
                       FoldedLayers& layers) {
  auto steps = Folding(graph, state, layers).Steps();
  EndActivations(steps);
  return steps;
}

}  // namespace torchgraft
