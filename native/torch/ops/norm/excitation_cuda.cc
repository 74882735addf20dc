#include "torch/ops/norm/excitation_cuda.h"

#include <ATen/Functions.h>

#include <algorithm>

#include "torch/cuda/layers/excitation_job.h"
#include "torch/cuda/layers/thread_layout.h"

namespace torchgraft {

namespace {

// Vectors of channels that a block has at most: a quarter of a kilobyte side by side. Images of few
// pixels have many channels, and more blocks so.
constexpr int64_t kWidest = 16;
// Blocks that there are to be for each multiprocessor, where an image's rows suffice, ...
constexpr int64_t kBlocksEach = 4;
// ... each thread of which reads so many rows or more.
constexpr int64_t kLeastRows = 4;

int64_t Quotient(int64_t a, int64_t b) { return (a + b - 1) / b; }

class DevicePasses : public ExcitationPasses {
 public:
  DevicePasses(const at::Tensor& like, const LayerKernels& kernels)
      : kernels_(kernels),
        floats_(like.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous)) {
    shape_.images = like.size(0);
    shape_.channels = like.size(1);
    shape_.rows = like.size(2) * like.size(3);
    const int64_t vectors = shape_.channels / kVector;
    const int64_t wide = Quotient(vectors, Quotient(vectors, kWidest));
    columns_ = Quotient(vectors, wide);
    const int64_t wanted =
        Quotient(kBlocksEach * kernels.multiprocessors(), shape_.images * columns_);
    const int64_t most = Quotient(shape_.rows, kBlockThreads / wide * kLeastRows);
    shape_.wide = static_cast<int32_t>(wide);
    shape_.parts = static_cast<int32_t>(std::min(wanted, most));
  }

  at::Tensor Mean(const at::Tensor& x) const override {
    const auto mean = PerImage();
    const auto partial = Partial();
    ExcitationJob job = shape_;
    job.x = x.const_data_ptr();
    job.partial = partial.mutable_data_ptr<float>();
    job.mean = mean.mutable_data_ptr<float>();
    OverRows(LayerKernel::kExcitationSums, job);
    OverChannels(LayerKernel::kExcitationMean, job);
    return mean;
  }

  at::Tensor Weighed(const at::Tensor& x, const at::Tensor& weights) const override {
    const auto y = at::empty_like(x, at::MemoryFormat::ChannelsLast);
    ExcitationJob job = shape_;
    job.x = x.const_data_ptr();
    job.y = y.mutable_data_ptr();
    job.weights = weights.const_data_ptr<float>();
    OverRows(LayerKernel::kExcitationScale, job);
    return y;
  }

  at::Tensor OfLogits(const at::Tensor& x, const at::Tensor& dy,
                      const at::Tensor& weights) const override {
    const auto d_logits = PerImage();
    const auto partial = Partial();
    ExcitationJob job = shape_;
    job.x = x.const_data_ptr();
    job.dy = dy.const_data_ptr();
    job.weights = weights.const_data_ptr<float>();
    job.partial = partial.mutable_data_ptr<float>();
    job.d_logits = d_logits.mutable_data_ptr<float>();
    OverRows(LayerKernel::kExcitationDots, job);
    OverChannels(LayerKernel::kExcitationLogits, job);
    return d_logits;
  }

  at::Tensor OfImages(const at::Tensor& dy, const at::Tensor& weights,
                      const at::Tensor& d_mean) const override {
    const auto dx = at::empty_like(dy, at::MemoryFormat::ChannelsLast);
    ExcitationJob job = shape_;
    job.dy = dy.const_data_ptr();
    job.dx = dx.mutable_data_ptr();
    job.weights = weights.const_data_ptr<float>();
    job.d_mean = d_mean.const_data_ptr<float>();
    OverRows(LayerKernel::kExcitationGradient, job);
    return dx;
  }

 private:
  at::Tensor PerImage() const { return at::empty({shape_.images, shape_.channels}, floats_); }
  at::Tensor Partial() const {
    return at::empty({shape_.parts, shape_.images, shape_.channels}, floats_);
  }

  void OverRows(LayerKernel kernel, const ExcitationJob& job) const {
    const auto blocks = static_cast<unsigned>(job.images * job.parts);
    kernels_.Launch(kernel, {blocks, static_cast<unsigned>(columns_), 1}, job);
  }
  void OverChannels(LayerKernel kernel, const ExcitationJob& job) const {
    const int64_t blocks = Quotient(job.images * job.channels, kBlockThreads);
    kernels_.Launch(kernel, {static_cast<unsigned>(blocks), 1, 1}, job);
  }

  const LayerKernels& kernels_;
  at::TensorOptions floats_;
  ExcitationJob shape_{};  // without tensors
  int64_t columns_;        // blocks along the channels
};

}  // namespace

std::unique_ptr<ExcitationPasses> MakeDeviceExcitation(const at::Tensor& like,
                                                       const LayerKernels& kernels) {
  return std::make_unique<DevicePasses>(like, kernels);
}

}  // namespace torchgraft
