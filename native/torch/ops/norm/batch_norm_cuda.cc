#include "torch/ops/norm/batch_norm_cuda.h"

#include <ATen/Functions.h>

#include <algorithm>

#include "torch/cuda/layers/norm_job.h"

namespace torchgraft {

namespace {

// Blocks that a multiprocessor has at once of the passes over a tensor.
constexpr int64_t kBlocksEach = 2;

unsigned Quotient(int64_t a, int64_t b) { return static_cast<unsigned>((a + b - 1) / b); }

// How a pass over a tensor is shared out: as the kernels' ThreadRows reads it.
struct Shares {
  int32_t wide;      // vectors of channels of a block
  unsigned columns;  // blocks along the channels
  unsigned parts;    // and along the rows

  Shares(int64_t rows, int64_t channels, int64_t multiprocessors) {
    const int64_t vectors = channels / kVector;
    wide = static_cast<int32_t>(std::min<int64_t>(vectors, kMaxVectors));
    columns = Quotient(vectors, wide);
    const int64_t most = std::max<int64_t>(1, kBlocksEach * multiprocessors / columns);
    parts = static_cast<unsigned>(std::min<int64_t>(most, Quotient(rows, kBlockThreads / wide)));
  }
};

// The passes over a tensor and over its channels, by the kernels of a device.
class NormPasses {
 public:
  NormPasses(const LayerKernels& kernels, const at::Tensor& x, bool relu, bool training)
      : kernels_(kernels), shares_(Rows(x), x.size(1), kernels.multiprocessors()) {
    job.channels = x.size(1);
    job.rows = Rows(x);
    job.x = x.const_data_ptr();
    job.relu = relu;
    job.learns = training;
    job.parts = static_cast<int32_t>(shares_.parts);
    job.wide = shares_.wide;
  }

  void OverRows(LayerKernel kernel) const {
    kernels_.Launch(kernel, {shares_.parts, shares_.columns, 1}, job);
  }
  void OverChannels(LayerKernel kernel, int64_t channels_each) const {
    kernels_.Launch(kernel, {Quotient(job.channels, channels_each), 1, 1}, job);
  }

  NormJob job{};

 private:
  static int64_t Rows(const at::Tensor& x) { return x.numel() / x.size(1); }

  const LayerKernels& kernels_;
  Shares shares_;
};

at::TensorOptions FloatOptions(const at::Tensor& like) {
  return like.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous);
}

const void* DataOrNull(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr() : nullptr;
}

}  // namespace

Normed DeviceNormForward(const LayerKernels& kernels, const at::Tensor& x, const NormState& norm,
                         const at::Tensor& residual, bool relu, bool remember) {
  NormPasses passes(kernels, x, relu, norm.training);
  NormJob& job = passes.job;
  const auto floats = FloatOptions(x);
  Normed normed;
  normed.y = at::empty_like(x, at::MemoryFormat::ChannelsLast);
  normed.coefficients = at::empty({4, job.channels}, floats);
  if (remember && relu && residual.defined())
    normed.relu_mask = at::empty({job.rows, job.channels / kVector}, floats.dtype(at::kByte));
  job.added = DataOrNull(residual);
  job.y = normed.y.mutable_data_ptr();
  job.relu_mask = normed.relu_mask.defined() ? normed.relu_mask.data_ptr<uint8_t>() : nullptr;
  job.weight = norm.weight.const_data_ptr<float>();
  job.bias = norm.bias.const_data_ptr<float>();
  job.running_mean = norm.running_mean.mutable_data_ptr<float>();
  job.running_var = norm.running_var.mutable_data_ptr<float>();
  job.batches = norm.batches.mutable_data_ptr<int64_t>();
  job.coefficients = normed.coefficients.mutable_data_ptr<float>();
  job.momentum = static_cast<float>(norm.momentum);
  job.eps = static_cast<float>(norm.eps);
  at::Tensor partial;
  if (norm.training) {
    partial = at::empty({job.parts, 2, job.channels}, floats);
    job.partial = partial.mutable_data_ptr<float>();
    passes.OverRows(LayerKernel::kNormStatistics);
    passes.OverChannels(LayerKernel::kNormFinish, kFinishChannels);
  } else {
    passes.OverChannels(LayerKernel::kNormByRunning, kBlockThreads);
  }
  passes.OverRows(LayerKernel::kNormApply);
  return normed;
}

NormGradients DeviceNormBackward(const LayerKernels& kernels, const at::Tensor& x,
                                 const at::Tensor& weight, const Normed& normed,
                                 const at::Tensor& dy, const at::Tensor& dy_shortcut, bool relu,
                                 bool training) {
  NormPasses passes(kernels, x, relu, training);
  NormJob& job = passes.job;
  const auto partial = at::empty({job.parts, 2, job.channels}, FloatOptions(x));
  const auto of_parameters = at::empty({2, job.channels}, FloatOptions(x));
  NormGradients gradients;
  gradients.x = at::empty_like(x, at::MemoryFormat::ChannelsLast);
  // There is a mask where there was a residual, and there alone.
  if (normed.relu_mask.defined()) gradients.residual = at::empty_like(gradients.x);
  job.dy = dy.const_data_ptr();
  job.dy_shortcut = DataOrNull(dy_shortcut);
  job.dx = gradients.x.mutable_data_ptr();
  job.d_added = gradients.residual.defined() ? gradients.residual.mutable_data_ptr() : nullptr;
  job.relu_mask = normed.relu_mask.defined()
                      ? const_cast<uint8_t*>(normed.relu_mask.const_data_ptr<uint8_t>())
                      : nullptr;
  job.weight = weight.const_data_ptr<float>();
  job.coefficients = const_cast<float*>(normed.coefficients.const_data_ptr<float>());
  job.partial = partial.mutable_data_ptr<float>();
  job.gradient = of_parameters.mutable_data_ptr<float>();
  passes.OverRows(LayerKernel::kNormGradientSums);
  passes.OverChannels(LayerKernel::kNormGradientFinish, kFinishChannels);
  passes.OverRows(LayerKernel::kNormGradient);
  gradients.weight = of_parameters[0];
  gradients.bias = of_parameters[1];
  return gradients;
}

}  // namespace torchgraft
