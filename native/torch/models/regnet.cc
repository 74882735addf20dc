#include "torch/models/regnet.h"

#include <ATen/Functions.h>

#include <cmath>
#include <memory>
#include <string>

namespace torchgraft {

namespace {

constexpr int64_t kStemWidth = 32;
constexpr int64_t kStride = 2;  // of the stem and of each stage's first block

// A level of the module tree that only gives names.
class Level : public torch::nn::Module {};

}  // namespace

BottleneckImpl::BottleneckImpl(int64_t width_in, int64_t width_out, int64_t stride,
                               int64_t group_width, double se_ratio, const Making& making) {
  if (width_in != width_out || stride != 1) {
    proj_ = register_module(
        "proj", ConvNorm(ConvOptions{.in = width_in, .out = width_out, .stride = stride},
                         /*relu=*/false, making));
  }
  const auto f = register_module("f", std::make_shared<Level>());
  a_ = f->register_module(
      "a", ConvNorm(ConvOptions{.in = width_in, .out = width_out}, /*relu=*/true, making));
  b_ = f->register_module("b", ConvNorm(ConvOptions{.in = width_out,
                                                    .out = width_out,
                                                    .kernel = 3,
                                                    .stride = stride,
                                                    .groups = width_out / group_width},
                                        /*relu=*/true, making));
  if (se_ratio > 0) {
    // From the width of the block's input: a stage's first block squeezes to another width than the
    // rest.
    const auto squeezed =
        static_cast<int64_t>(std::nearbyint(se_ratio * static_cast<double>(width_in)));
    se_ = f->register_module("se", SqueezeExcitation(width_out, squeezed, making));
  }
  c_ = f->register_module(
      "c", ConvNorm(ConvOptions{.in = width_out, .out = width_out}, /*relu=*/false, making));
}

Forked BottleneckImpl::forward(const Forked& x) {
  auto y = b_->forward(a_->forward(x.main));
  if (se_) y = se_->forward(y);
  return c_->ForkAdded(y, proj_ ? proj_->forward(x.shortcut) : x.shortcut);
}

FoldedBlock BottleneckImpl::Folded(at::ScalarType type) const {
  return {.proj = proj_ ? std::optional(proj_->Folded(type)) : std::nullopt,
          .a = a_->Folded(type),
          .b = b_->Folded(type),
          .se = se_ ? std::optional(se_->Folded()) : std::nullopt,
          .c = c_->Folded(type)};
}

RegNetImpl::RegNetImpl(const RegNetVariant& variant, int64_t classes, const Making& making) {
  stem_ = register_module(
      "stem", ConvNorm(ConvOptions{.in = 3, .out = kStemWidth, .kernel = 3, .stride = kStride},
                       /*relu=*/true, making));
  const auto trunk = register_module("trunk_output", std::make_shared<Level>());
  int64_t width = kStemWidth;
  int number = 0;
  for (const auto& stage : Stages(variant)) {
    const std::string name = "block" + std::to_string(++number);
    const auto level = trunk->register_module(name, std::make_shared<Level>());
    for (int64_t i = 0; i < stage.depth; ++i) {
      const Bottleneck block(width, stage.width, i == 0 ? kStride : 1, stage.group_width,
                             variant.se_ratio, making);
      blocks_.push_back(level->register_module(name + "-" + std::to_string(i), block));
      width = stage.width;
    }
  }
  fc_ = register_module("fc", Linear(width, classes, making));
}

at::Tensor RegNetImpl::forward(const at::Tensor& x) {
  auto y = stem_->Fork(x);
  for (auto& block : blocks_) y = block->forward(y);
  return fc_->forward(at::adaptive_avg_pool2d(y.main, {1, 1}).flatten(1));
}

FoldedRegNet RegNetImpl::Folded(at::ScalarType type) const {
  FoldedRegNet folded{.stem = stem_->Folded(type),
                      .blocks = {},
                      .fc_weight = fc_->weight().detach(),
                      .fc_bias = fc_->bias().detach()};
  for (const auto& block : blocks_) folded.blocks.push_back(block->Folded(type));
  return folded;
}

void RegNetImpl::FreezeBatchNorm() {
  for (const auto& module : modules()) {
    if (auto* norm = module->as<BatchNormImpl>()) norm->Freeze();
  }
}

}  // namespace torchgraft
