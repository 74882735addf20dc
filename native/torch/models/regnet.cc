#include "torch/models/regnet.h"

#include <ATen/Functions.h>

#include <cmath>

#include "torch/models/regnet_variants.h"

namespace torchgraft {

namespace {

constexpr int64_t kStemWidth = 32;
constexpr int64_t kStride = 2;  // of the stem and of each stage's first block
constexpr double kHeadStd = 0.01;

// A level of the module tree that only gives names.
class Level : public torch::nn::Module {};

struct ConvLayer {
  int64_t in;
  int64_t out;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  bool bias = false;
};

// Padded by half its kernel, and drawn as torchvision draws it: N(0, sqrt(2 / fan out)), which is
// not divided by groups; the bias by torch.nn.Conv2d's default.
ConvOptions ConvOf(const ConvLayer& shape) {
  const auto& [in, out, kernel, stride, groups, bias] = shape;
  const auto fan_out = static_cast<double>(kernel * kernel * out);
  const auto fan_in = static_cast<double>(in / groups * kernel * kernel);
  ConvOptions options{.in = in,
                      .out = out,
                      .kernel = kernel,
                      .stride = stride,
                      .padding = kernel / 2,
                      .groups = groups,
                      .weight = Distribution::Normal(std::sqrt(2 / fan_out))};
  if (bias) options.bias = Distribution::Uniform(1 / std::sqrt(fan_in));
  return options;
}

struct BlockOptions {
  int64_t in;
  int64_t out;
  int64_t stride;
  int64_t group_width;
  double se_ratio;
};

// torchvision's ResBottleneckBlock: relu(proj(x) + c(se(b(a(x))))).
class BottleneckImpl : public torch::nn::Module {
 public:
  BottleneckImpl(const BlockOptions& options, const LayerContext& context);
  ResidualBranches forward(const ResidualBranches& x);
  std::string Describe(GraphBuilder& graph, const std::string& path, const std::string& x) const;

 private:
  ConvNorm proj_{nullptr};  // only where the shapes differ
  ConvNorm a_{nullptr};
  ConvNorm b_{nullptr};
  SqueezeExcitation se_{nullptr};  // only in RegNetY
  ConvNorm c_{nullptr};
};
TORCH_MODULE(Bottleneck);

BottleneckImpl::BottleneckImpl(const BlockOptions& options, const LayerContext& context) {
  const auto& [in, out, stride, group_width, se_ratio] = options;
  if (in != out || stride != 1) {
    proj_ = register_module("proj", ConvNorm(ConvOf({.in = in, .out = out, .stride = stride}),
                                             Activation::kNone, context));
  }
  const auto f = register_module("f", std::make_shared<Level>());
  a_ =
      f->register_module("a", ConvNorm(ConvOf({.in = in, .out = out}), Activation::kRelu, context));
  b_ = f->register_module(
      "b",
      ConvNorm(
          ConvOf(
              {.in = out, .out = out, .kernel = 3, .stride = stride, .groups = out / group_width}),
          Activation::kRelu, context));
  if (se_ratio > 0) {
    // From the width of the block's input: a stage's first block squeezes to another width than the
    // rest.
    const auto squeezed = static_cast<int64_t>(std::nearbyint(se_ratio * static_cast<double>(in)));
    se_ = f->register_module(
        "se", SqueezeExcitation(ConvOf({.in = out, .out = squeezed, .bias = true}),
                                ConvOf({.in = squeezed, .out = out, .bias = true}), context));
  }
  c_ = f->register_module("c",
                          ConvNorm(ConvOf({.in = out, .out = out}), Activation::kNone, context));
}

ResidualBranches BottleneckImpl::forward(const ResidualBranches& x) {
  auto y = b_->forward(a_->forward(x.main));
  if (se_) y = se_->forward(y);
  return c_->ForwardResidual(y, proj_ ? proj_->forward(x.shortcut) : x.shortcut);
}

std::string BottleneckImpl::Describe(GraphBuilder& graph, const std::string& path,
                                     const std::string& x) const {
  const auto at = [&](const char* part) { return LayerPath{path + part, path + part}; };
  auto y = b_->Describe(graph, at(".f.b"), a_->Describe(graph, at(".f.a"), x));
  if (se_) y = se_->Describe(graph, at(".f.se"), y);
  y = c_->Describe(graph, at(".f.c"), y);
  const auto shortcut = proj_ ? proj_->Describe(graph, at(".proj"), x) : x;
  const auto sum = graph.Add({.op = Op::kAdd, .name = path + ".sum", .inputs = {shortcut, y}});
  auto result = graph.Add(
      {.op = Op::kActivation, .name = path, .inputs = {sum}, .activation = Activation::kRelu});
  graph.EndModule("ResBottleneckBlock");
  return result;
}

class RegNet : public Model {
 public:
  RegNet(const RegNetVariant& variant, int64_t classes, const LayerContext& context);

  at::Tensor Forward(const at::Tensor& x) override;
  void Describe(GraphBuilder& graph) const override;

 private:
  struct Block {
    std::string path;
    Bottleneck block;
  };

  ConvNorm stem_{nullptr};
  std::vector<Block> blocks_;
  Linear fc_{nullptr};
};

RegNet::RegNet(const RegNetVariant& variant, int64_t classes, const LayerContext& context) {
  stem_ = register_module(
      "stem", ConvNorm(ConvOf({.in = 3, .out = kStemWidth, .kernel = 3, .stride = kStride}),
                       Activation::kRelu, context));
  const std::string trunk_name = "trunk_output";
  const auto trunk = register_module(trunk_name, std::make_shared<Level>());
  int64_t width = kStemWidth;
  int number = 0;
  for (const auto& stage : Stages(variant)) {
    const std::string name = "block" + std::to_string(++number);
    const auto level = trunk->register_module(name, std::make_shared<Level>());
    for (int64_t i = 0; i < stage.depth; ++i) {
      const Bottleneck block(BlockOptions{.in = width,
                                          .out = stage.width,
                                          .stride = i == 0 ? kStride : 1,
                                          .group_width = stage.group_width,
                                          .se_ratio = variant.se_ratio},
                             context);
      const std::string block_name = name + "-" + std::to_string(i);
      blocks_.push_back(
          {trunk_name + "." + name + "." + block_name, level->register_module(block_name, block)});
      width = stage.width;
    }
  }
  fc_ = register_module("fc", Linear(LinearOptions{.in = width,
                                                   .out = classes,
                                                   .weight = Distribution::Normal(kHeadStd),
                                                   .bias = Distribution::Constant(0)},
                                     context));
}

at::Tensor RegNet::Forward(const at::Tensor& x) {
  auto y = stem_->ForwardBranches(x);
  for (auto& [path, block] : blocks_) y = block->forward(y);
  return fc_->forward(at::adaptive_avg_pool2d(y.main, {1, 1}).flatten(1));
}

void RegNet::Describe(GraphBuilder& graph) const {
  auto y = stem_->Describe(graph, {"stem", "stem"}, GraphBuilder::kInput);
  for (const auto& [path, block] : blocks_) y = block->Describe(graph, path, y);
  y = graph.Add({.op = Op::kGlobalAvgPool, .name = "avgpool", .inputs = {y}});
  y = graph.Add({.op = Op::kFlatten, .name = "flatten", .inputs = {y}});
  fc_->Describe(graph, {"fc", "fc"}, y);
}

}  // namespace

std::vector<std::string> RegNetNames() {
  std::vector<std::string> names;
  for (const auto& variant : RegNetVariants()) names.emplace_back(variant.name);
  return names;
}

std::shared_ptr<Model> MakeRegNet(const std::string& name, int64_t classes,
                                  const LayerContext& context) {
  return std::make_shared<RegNet>(FindVariant(name), classes, context);
}

}  // namespace torchgraft
