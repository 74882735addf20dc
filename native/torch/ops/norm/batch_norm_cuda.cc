#include "torch/ops/norm/batch_norm_cuda.h"

#include <ATen/Functions.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "torch/cuda/driver/kernel_sources.h"
#include "torch/cuda/kernels/norm_job.h"

namespace torchgraft {

namespace {

// Blocks that a multiprocessor has at once of the passes over a tensor.
constexpr int64_t kBlocksEach = 2;

int ElementOf(at::ScalarType type) {
  if (type == at::kFloat) return 0;
  return type == at::kBFloat16 ? 1 : 2;
}

unsigned Quotient(int64_t a, int64_t b) { return static_cast<unsigned>((a + b - 1) / b); }

// How a pass over a tensor is shared out: as the kernels' Place reads it.
struct Shares {
  unsigned parts;    // of the rows
  unsigned columns;  // of the channels

  Shares(const NormJob& job, int64_t multiprocessors) {
    const int64_t vectors = job.channels / kNormVector;
    const int64_t wide = std::min<int64_t>(vectors, kNormVectors);
    const int64_t lanes = kNormThreads / wide;
    columns = Quotient(vectors, wide);
    const int64_t most = std::max<int64_t>(1, kBlocksEach * multiprocessors / columns);
    parts = static_cast<unsigned>(std::min<int64_t>(most, Quotient(job.rows, lanes)));
  }

  Extent grid() const { return {parts, columns, 1}; }
};

constexpr Extent kThreads = {kNormThreads, 1, 1};
constexpr Extent kFinishThreads = {kFinishChannels * kFinishLanes, 1, 1};

NormJob JobOf(const at::Tensor& x, bool relu, bool training) {
  NormJob job{};
  job.channels = x.size(1);
  job.rows = x.numel() / job.channels;
  job.x = x.const_data_ptr();
  job.relu = relu;
  job.learns = training;
  return job;
}

const void* DataOrNull(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr() : nullptr;
}

void* StreamOf(at::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

}  // namespace

DeviceNorm::DeviceNorm(at::Device device, at::ScalarType type, KernelCache& cache)
    : device_(device),
      type_(type),
      made_(std::async(std::launch::async, Make, static_cast<int>(device.index()), type,
                       std::ref(cache))
                .share()) {}

DeviceNorm::Made DeviceNorm::Make(int device, at::ScalarType type, KernelCache& cache) {
  Made made;
  try {
    const std::string source =
        "#define TORCHGRAFT_ELEMENT " + std::to_string(ElementOf(type)) + "\n" + kNormKernelSource;
    made.module = std::make_unique<CudaModule>(device, source.c_str(), cache);
    made.statistics = made.module->Find("NormStatistics");
    made.finish = made.module->Find("NormFinish");
    made.by_running = made.module->Find("NormByRunning");
    made.apply = made.module->Find("NormApply");
    made.gradient_sums = made.module->Find("NormGradientSums");
    made.gradient_finish = made.module->Find("NormGradientFinish");
    made.gradient = made.module->Find("NormGradient");
  } catch (const std::runtime_error& error) {
    made.module.reset();
    made.note =
        "Batch norms are computed by libtorch's operations, which takes longer than kernels for "
        "them would: " +
        std::string(error.what());
  }
  return made;
}

bool DeviceNorm::Takes(const at::Tensor& x) const {
  return x.is_cuda() && x.dim() == 4 && x.numel() > 0 && x.scalar_type() == type_ &&
         x.size(1) % kNormVector == 0 && made_.get().module;
}

Normed DeviceNorm::Forward(const at::Tensor& x, const NormState& norm, const at::Tensor& residual,
                           bool relu, bool remember) const {
  const auto& made = made_.get();
  auto* stream = StreamOf(device_);
  NormJob job = JobOf(x, relu, norm.training);
  job.momentum = static_cast<float>(norm.momentum);
  job.eps = static_cast<float>(norm.eps);
  const Shares shares(job, made.module->multiprocessors());
  const auto floats = x.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous);
  Normed normed;
  normed.y = at::empty_like(x, at::MemoryFormat::ChannelsLast);
  normed.coefficients = at::empty({4, job.channels}, floats);
  if (remember && relu && residual.defined())
    normed.relu_mask = at::empty({job.rows, job.channels / kNormVector}, floats.dtype(at::kByte));
  job.added = DataOrNull(residual);
  job.y = normed.y.mutable_data_ptr();
  job.relu_mask = normed.relu_mask.defined() ? normed.relu_mask.data_ptr<uint8_t>() : nullptr;
  job.weight = norm.weight.const_data_ptr<float>();
  job.bias = norm.bias.const_data_ptr<float>();
  job.running_mean = norm.running_mean.mutable_data_ptr<float>();
  job.running_var = norm.running_var.mutable_data_ptr<float>();
  job.coefficients = normed.coefficients.mutable_data_ptr<float>();
  job.parts = static_cast<int32_t>(shares.parts);
  const unsigned finishing = Quotient(job.channels, kFinishChannels);
  if (norm.training) {
    const auto partial = at::empty({job.parts, 2, job.channels}, floats);
    job.partial = partial.mutable_data_ptr<float>();
    made.module->Launch(made.statistics, shares.grid(), kThreads, &job, stream);
    made.module->Launch(made.finish, {finishing, 1, 1}, kFinishThreads, &job, stream);
  } else {
    made.module->Launch(made.by_running, {Quotient(job.channels, kNormThreads), 1, 1}, kThreads,
                        &job, stream);
  }
  made.module->Launch(made.apply, shares.grid(), kThreads, &job, stream);
  return normed;
}

NormGradients DeviceNorm::Backward(const at::Tensor& x, const at::Tensor& weight,
                                   const Normed& normed, const at::Tensor& dy,
                                   const at::Tensor& dy_shortcut, bool relu, bool training) const {
  const auto& made = made_.get();
  auto* stream = StreamOf(device_);
  NormJob job = JobOf(x, relu, training);
  const Shares shares(job, made.module->multiprocessors());
  const auto floats = x.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous);
  const auto partial = at::empty({shares.parts, 2, job.channels}, floats);
  const auto of_parameters = at::empty({2, job.channels}, floats);
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
  job.parts = static_cast<int32_t>(shares.parts);
  made.module->Launch(made.gradient_sums, shares.grid(), kThreads, &job, stream);
  made.module->Launch(made.gradient_finish, {Quotient(job.channels, kFinishChannels), 1, 1},
                      kFinishThreads, &job, stream);
  made.module->Launch(made.gradient, shares.grid(), kThreads, &job, stream);
  gradients.weight = of_parameters[0];
  gradients.bias = of_parameters[1];
  return gradients;
}

}  // namespace torchgraft
