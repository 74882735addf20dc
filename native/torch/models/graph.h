#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

// A model's forward pass as data, for all that reads a model without running it. native/node sees
// it, so nothing of libtorch is in here.
namespace torchgraft {

enum class Op {
  kConv,           // 2-d, with a square kernel, and a bias where it has one
  kBatchNorm,      // of each channel
  kActivation,     // of each element
  kAdd,            // inputs: the operands, as Python adds them
  kMul,            // inputs: x, what its channels are scaled by [n, channels, 1, 1]
  kGlobalAvgPool,  // [n, channels, h, w] → [n, channels, 1, 1]
  kFlatten,        // [n, channels, 1, 1] → [n, channels]
  kLinear,         // [n, in] → [n, out]
};

enum class Activation { kNone, kRelu, kSigmoid };

// "relu"; of kNone "".
const char* NameOf(Activation activation);

// One layer. What its op does not have stays as it is here.
struct GraphNode {
  Op op;
  std::string name;                 // its output's too
  std::vector<std::string> inputs;  // names of nodes before it, or GraphBuilder::kInput

  // Names in the state_dict; empty: there is no such tensor.
  std::string weight = {};
  std::string bias = {};
  std::string running_mean = {};
  std::string running_var = {};

  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;  // on each side
  int64_t groups = 1;
  double eps = 0;  // added to the variance
  Activation activation = Activation::kNone;

  // torchvision's class of the module that has several layers and ends with this one, where it has
  // one that is more than a sequence of its children.
  std::string module = {};
};

// In the order of a forward pass; the last one gives the logits.
using Graph = std::vector<GraphNode>;

// Takes the layers that a model says it has.
class GraphBuilder {
 public:
  // The images [n, 3, h, w].
  static constexpr const char* kInput = "input";

  // Returns the node's name, for the inputs of those after it.
  std::string Add(GraphNode node);

  // The node that was added last ends a module of this class.
  void EndModule(const std::string& type) { graph_.back().module = type; }

  Graph Take() { return std::move(graph_); }

 private:
  Graph graph_;
};

enum class TensorRole {
  kWeight,  // of a convolution or a linear layer: what weight decay is for
  kBias,    // of one
  kNorm,    // scale or shift of a norm
  kBuffer,  // not trained
};

struct TensorUse {
  TensorRole role = TensorRole::kBuffer;
  bool head = false;  // of the layer that gives the logits
};

// Names of the models of all families, in their order.
std::vector<std::string> ModelNames();

// What the tensors of a graph are for, by name. Those that no node names are buffers.
std::map<std::string, TensorUse> TensorUses(const Graph& graph);

}  // namespace torchgraft
