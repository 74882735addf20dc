#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <optional>

#include "torch/models/inference/folded_regnet.h"
#include "torch/ops/norm/batch_norm.h"

namespace torchgraft {

// How parameters come to be: on the CPU, drawn from a generator of their own, or on the meta
// device, with no memory. And whether layers use the kernels of our own where they have some, which
// want channels_last; else libtorch's operations, each by itself.
struct Making {
  at::Device device;
  std::optional<at::Generator> generator;
  bool own_kernels = false;
  std::shared_ptr<const DeviceNorm> device_norm = nullptr;  // for a model on a CUDA device

  at::Tensor Normal(at::IntArrayRef shape, double std) const;
  at::Tensor Uniform(at::IntArrayRef shape, double bound) const;
  at::Tensor Full(at::IntArrayRef shape, double value, at::ScalarType dtype = at::kFloat) const;
};

struct ConvOptions {
  int64_t in;
  int64_t out;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  bool bias = false;
};

// A convolution padded by half its kernel, drawn as torchvision's RegNet draws it: N(0, sqrt(2 /
// (k·k·out))).
class ConvImpl : public torch::nn::Module {
 public:
  ConvImpl(const ConvOptions& options, const Making& making);
  // Fills in the moments of what comes out, where they are asked for and the algorithm takes some.
  at::Tensor forward(const at::Tensor& x, BatchMoments* moments = nullptr);

  const ConvOptions& options() const { return options_; }
  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }  // undefined: none

 private:
  ConvOptions options_;
  bool own_kernels_;
  at::Tensor weight_;
  at::Tensor bias_;
};
TORCH_MODULE(Conv);

// Batch norm with what follows it: relu(norm(x) + added), each if asked for; ReLU always where
// something is added.
class BatchNormImpl : public torch::nn::Module {
 public:
  BatchNormImpl(int64_t width, const Making& making);
  // With x's moments, where they are known.
  at::Tensor forward(const at::Tensor& x, bool relu, const at::Tensor& added,
                     const BatchMoments& moments);
  Forked Fork(const at::Tensor& x, bool relu, const at::Tensor& added, const BatchMoments& moments);

  bool TakesMoments() const { return own_kernels_ && Learns(); }

  // scale · x + shift by the running statistics, in double.
  struct Affine {
    at::Tensor scale;
    at::Tensor shift;
  };
  Affine RunningAffine() const;

  // Uses the running statistics and leaves them as they are, in training too.
  void Freeze() { frozen_ = true; }

 private:
  bool Learns() const { return is_training() && !frozen_; }
  // For one pass: in training the running statistics follow.
  NormState Begin(const BatchMoments& moments);

  // By a kernel of our own, in one with what follows it.
  bool IsFused(const at::Tensor& x) const {
    return (own_kernels_ || device_norm_) && FusedNormTakes(x, device_norm_.get());
  }

  bool own_kernels_;
  std::shared_ptr<const DeviceNorm> device_norm_;
  bool frozen_ = false;
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor running_mean_;
  at::Tensor running_var_;
  at::Tensor num_batches_tracked_;
};
TORCH_MODULE(BatchNorm);

// torchvision's Conv2dNormActivation: "0" the convolution, "1" the norm, then ReLU if asked for.
class ConvNormImpl : public torch::nn::Module {
 public:
  ConvNormImpl(const ConvOptions& options, bool relu, const Making& making);
  at::Tensor forward(const at::Tensor& x);
  Forked Fork(const at::Tensor& x);
  // relu(norm(conv(x)) + added)
  Forked ForkAdded(const at::Tensor& x, const at::Tensor& added);

  // The norm within the convolution, by the running statistics.
  FoldedConv Folded(at::ScalarType type) const;

 private:
  // What the convolution gives, with its moments where they were taken.
  struct Convolved {
    at::Tensor y;
    BatchMoments moments;
  };
  Convolved Convolve(const at::Tensor& x);

  bool relu_;
  Conv conv_;
  BatchNorm norm_;
};
TORCH_MODULE(ConvNorm);

// Squeeze-and-excitation: weighs the channels by what the whole image holds.
class SqueezeExcitationImpl : public torch::nn::Module {
 public:
  SqueezeExcitationImpl(int64_t width, int64_t squeezed, const Making& making);
  at::Tensor forward(const at::Tensor& x);
  FoldedExcitation Folded() const;

 private:
  bool own_kernels_;
  Conv fc1_;
  Conv fc2_;
};
TORCH_MODULE(SqueezeExcitation);

class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(int64_t in, int64_t out, const Making& making);
  at::Tensor forward(const at::Tensor& x);

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};
TORCH_MODULE(Linear);

}  // namespace torchgraft
