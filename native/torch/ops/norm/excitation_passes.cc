#include "torch/ops/norm/excitation_passes.h"

#include <ATen/ATen.h>

#include "torch/kernels/batch_norm/norm.h"
#include "torch/ops/norm/channel_sums.h"
#include "torch/ops/norm/excitation_cuda.h"
#include "torch/ops/row_split.h"

namespace torchgraft {

namespace {

// On the CPU.
class CpuPasses : public ExcitationPasses {
 public:
  explicit CpuPasses(const at::Tensor& like)
      : kernels_(BestNormKernels(like.scalar_type() == at::kBFloat16)),
        count_(like.size(0)),
        channels_(like.size(1)),
        rows_(like.size(2) * like.size(3)),
        zeros_(1, channels_) {}

  at::Tensor Mean(const at::Tensor& x) const override {
    return Sums([&](int64_t begin, int64_t end, float* sum, float* squares) {
             kernels_.sums(x.const_data_ptr(), channels_, begin, end, zeros_[0], sum, squares);
           })
        .div_(static_cast<double>(rows_));
  }

  at::Tensor Weighed(const at::Tensor& x, const at::Tensor& weights) const override {
    return Scaled(x, PerImage(weights), PerChannel(count_, channels_));
  }

  at::Tensor OfLogits(const at::Tensor& x, const at::Tensor& dy,
                      const at::Tensor& weights) const override {
    const RowDots dots{.x = x.const_data_ptr(), .y = dy.const_data_ptr(), .channels = channels_};
    return Sums([&](int64_t begin, int64_t end, float* sum, float*) {
             kernels_.row_dots(dots, begin, end, sum);
           }) *
           weights * (1 - weights);
  }

  at::Tensor OfImages(const at::Tensor& dy, const at::Tensor& weights,
                      const at::Tensor& d_mean) const override {
    return Scaled(dy, PerImage(weights), PerImage(d_mean.div(static_cast<double>(rows_))));
  }

 private:
  at::Tensor Scaled(const at::Tensor& x, const PerChannel& scales,
                    const PerChannel& offsets) const {
    const auto y = at::empty_like(x);
    OverImages([&](int64_t image, int64_t begin, int64_t end) {
      const ScaleRows rows{.x = x.const_data_ptr(),
                           .y = y.data_ptr(),
                           .scale = scales[image],
                           .offset = offsets[image],
                           .channels = channels_};
      kernels_.scale_rows(rows, begin, end);
    });
    return y;
  }

  // Last ones first: the pass before has left them in the cache.
  template <typename Function>
  void OverImages(const Function& function) const {
    RowSplit(count_).Each([&](int64_t, int64_t first, int64_t last) {
      for (int64_t i = last - 1; i >= first; --i) function(i, i * rows_, (i + 1) * rows_);
    });
  }

  // The first sum of AddRows over each image's pixels, [n, channels].
  template <typename Function>
  at::Tensor Sums(const Function& add) const {
    const auto result = at::empty({count_, channels_}, at::kFloat);
    auto* const numbers = result.data_ptr<float>();
    RowSplit(count_).Each([&](int64_t, int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        std::vector<double> sums(static_cast<size_t>(2 * channels_));
        AddRows(i * rows_, (i + 1) * rows_, channels_, sums.data(), add);
        for (int64_t c = 0; c < channels_; ++c)
          numbers[i * channels_ + c] = static_cast<float>(sums[c]);
      }
    });
    return result;
  }

  PerChannel PerImage(const at::Tensor& numbers) const {
    const PerChannel each(count_, channels_);
    each.tensor().slice(1, 0, channels_).copy_(numbers);
    return each;
  }

  NormKernels kernels_;
  int64_t count_;
  int64_t channels_;
  int64_t rows_;  // of an image
  PerChannel zeros_;
};

}  // namespace

std::unique_ptr<ExcitationPasses> MakeExcitationPasses(const at::Tensor& like,
                                                       const LayerKernels* device) {
  if (device) return MakeDeviceExcitation(like, *device);
  return std::make_unique<CpuPasses>(like);
}

}  // namespace torchgraft
