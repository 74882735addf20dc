#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>

#include "torch/models/graph.h"
#include "torch/models/parameter_init.h"
#include "torch/ops/norm/batch_norm.h"

// Layers that models are made of. Each computes (forward) and says what it computes (Describe).
namespace torchgraft {

// What all layers of a model are made with.
struct LayerContext {
  ParameterInit init;
  // Whether they use the kernels of our own where they have some, which want channels_last; else
  // libtorch's operations, each by itself.
  bool own_kernels = false;
  std::shared_ptr<const LayerKernels> device_kernels = nullptr;  // for a model on a CUDA device
};

// Where a layer stands: its node's name in the graph, and what its tensors' names begin with.
struct LayerPath {
  std::string node;
  std::string state;
};

// A layer's parameter, and its copy in autocast's type, which the layer takes while it is set.
struct CastableParameter {
  at::Tensor tensor;
  at::Tensor cast = {};

  const at::Tensor& Get() const { return cast.defined() ? cast : tensor; }
};

// By libtorch, in place where x is no parameter's input any more.
at::Tensor Activate(at::Tensor x, Activation activation);

struct ConvOptions {
  int64_t in;
  int64_t out;
  int64_t kernel = 1;  // square
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t groups = 1;
  Distribution weight;
  std::optional<Distribution> bias = std::nullopt;  // none: it has no bias
};

// torch.nn.Conv2d: [n, in, h, w] → [n, out, h', w'].
class ConvImpl : public torch::nn::Module {
 public:
  ConvImpl(const ConvOptions& options, const LayerContext& context);
  // Fills in the statistics of its output, where they are asked for and the algorithm takes them.
  at::Tensor forward(const at::Tensor& x, BatchStats* stats = nullptr);
  std::string Describe(GraphBuilder& graph, const LayerPath& at, const std::string& x) const;

  CastableParameter& weight() { return weight_; }
  const at::Tensor& bias() const { return bias_; }  // undefined: none

 private:
  ConvOptions options_;
  bool own_kernels_;
  CastableParameter weight_;
  at::Tensor bias_;
};
TORCH_MODULE(Conv);

// PyTorch's defaults.
struct BatchNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;
};

// torch.nn.BatchNorm2d with a residual sum and ReLU in the same pass: relu(norm(x) + residual),
// each if asked for; ReLU always where there is a residual.
class BatchNormImpl : public torch::nn::Module {
 public:
  BatchNormImpl(int64_t channels, const BatchNormOptions& options, const LayerContext& context);
  // With x's statistics, where they are known.
  at::Tensor forward(const at::Tensor& x, bool relu, const at::Tensor& residual,
                     const BatchStats& stats);
  ResidualBranches ForwardBranches(const at::Tensor& x, bool relu, const at::Tensor& residual,
                                   const BatchStats& stats);
  std::string Describe(GraphBuilder& graph, const LayerPath& at, const std::string& x) const;

  bool TakesStats() const { return own_kernels_ && UsesBatchStats(); }

  // Uses the running statistics and leaves them as they are, in training too.
  void Freeze() { frozen_ = true; }

 private:
  bool UsesBatchStats() const { return is_training() && !frozen_; }
  NormState State(const BatchStats& stats) const;

  // By a kernel of our own, in one with what follows it.
  bool IsFused(const at::Tensor& x) const {
    return (own_kernels_ || device_kernels_) && CanFuseNorm(x, device_kernels_.get());
  }

  BatchNormOptions options_;
  bool own_kernels_;
  std::shared_ptr<const LayerKernels> device_kernels_;
  bool frozen_ = false;
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor running_mean_;
  at::Tensor running_var_;
  at::Tensor num_batches_tracked_;
};
TORCH_MODULE(BatchNorm);

// Makes all batch norms of a model use their running statistics from now on, and leave them as they
// are.
void FreezeBatchNorm(torch::nn::Module& model);

// torchvision's Conv2dNormActivation: "0" the convolution, "1" the norm, then the activation.
class ConvNormImpl : public torch::nn::Module {
 public:
  ConvNormImpl(const ConvOptions& conv, Activation activation, const LayerContext& context,
               const BatchNormOptions& norm = {});
  at::Tensor forward(const at::Tensor& x);
  // Of an output that a block and its shortcut read.
  ResidualBranches ForwardBranches(const at::Tensor& x);
  // The end of a block: relu(norm(conv(x)) + residual).
  ResidualBranches ForwardResidual(const at::Tensor& x, const at::Tensor& residual);
  std::string Describe(GraphBuilder& graph, const LayerPath& at, const std::string& x) const;

  CastableParameter& weight() { return conv_->weight(); }  // the convolution's

 private:
  // A convolution's output, with its statistics where they were taken.
  struct Convolved {
    at::Tensor y;
    BatchStats stats;
  };
  Convolved Convolve(const at::Tensor& x);

  Activation activation_;
  Conv conv_;
  BatchNorm norm_;
};
TORCH_MODULE(ConvNorm);

// torchvision's SqueezeExcitation (Hu et al. 2018, arXiv:1709.01507): scales each channel by
// sigmoid(fc2(relu(fc1(its mean over the image)))). fc1 and fc2 are 1×1 convolutions.
class SqueezeExcitationImpl : public torch::nn::Module {
 public:
  SqueezeExcitationImpl(const ConvOptions& fc1, const ConvOptions& fc2,
                        const LayerContext& context);
  at::Tensor forward(const at::Tensor& x);
  std::string Describe(GraphBuilder& graph, const LayerPath& at, const std::string& x) const;

 private:
  bool own_kernels_;
  std::shared_ptr<const LayerKernels> device_kernels_;
  Conv fc1_;
  Conv fc2_;
};
TORCH_MODULE(SqueezeExcitation);

struct LinearOptions {
  int64_t in;
  int64_t out;
  Distribution weight;
  Distribution bias;
};

// torch.nn.Linear: [n, in] → [n, out].
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(const LinearOptions& options, const LayerContext& context);
  at::Tensor forward(const at::Tensor& x);
  std::string Describe(GraphBuilder& graph, const LayerPath& at, const std::string& x) const;

  CastableParameter& weight() { return weight_; }
  CastableParameter& bias() { return bias_; }

 private:
  CastableParameter weight_;
  CastableParameter bias_;
};
TORCH_MODULE(Linear);

}  // namespace torchgraft
