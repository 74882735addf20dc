#include "torch/ops/norm/squeeze_excitation.h"

#include <ATen/ATen.h>

#include "torch/kernels/batch_norm/norm.h"
#include "torch/ops/autograd_function.h"
#include "torch/ops/norm/channel_sums.h"
#include "torch/ops/row_split.h"

namespace torchgraft {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Images whose channels each have a weight of their own, and what the kernels do to them.
class Images {
 public:
  explicit Images(const at::Tensor& like)
      : kernels_(BestNormKernels(like.scalar_type() == at::kBFloat16)),
        count_(like.size(0)),
        channels_(like.size(1)),
        rows_(like.size(2) * like.size(3)),
        zeros_(1, channels_) {}

  int64_t rows() const { return rows_; }

  // The mean over each image's pixels, [n, channels].
  at::Tensor Mean(const at::Tensor& x) const {
    return Sums([&](int64_t begin, int64_t end, float* sum, float* squares) {
             kernels_.sums(x.const_data_ptr(), channels_, begin, end, zeros_[0], sum, squares);
           })
        .div_(static_cast<double>(rows_));
  }

  // Σ dy · x over each image's pixels, [n, channels].
  at::Tensor Products(const at::Tensor& x, const at::Tensor& dy) const {
    const RowDots dots{.x = x.const_data_ptr(), .y = dy.const_data_ptr(), .channels = channels_};
    return Sums([&](int64_t begin, int64_t end, float* sum, float*) {
      kernels_.row_dots(dots, begin, end, sum);
    });
  }

  // weights · x, in the forward pass
  at::Tensor Weighed(const at::Tensor& x, const at::Tensor& weights) const {
    return Scaled(x, PerImage(weights), PerChannel(count_, channels_));
  }

  // weights · dy + offsets
  at::Tensor Gradient(const at::Tensor& dy, const at::Tensor& weights,
                      const at::Tensor& offsets) const {
    return Scaled(dy, PerImage(weights), PerImage(offsets));
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

class ExcitationFunction : public torch::autograd::Function<ExcitationFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& w1,
                            const at::Tensor& b1, const at::Tensor& w2, const at::Tensor& b2) {
    const Images images(x);
    const auto mean = images.Mean(x);
    const auto squeezed = at::linear(mean, w1.flatten(1), b1).relu_();
    const auto weights = at::linear(squeezed, w2.flatten(1), b2).sigmoid_();
    context->save_for_backward({x, w1, w2, mean, squeezed, weights});
    return images.Weighed(x, weights);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto& w1 = saved[1];
    const auto& w2 = saved[2];
    const auto& mean = saved[3];
    const auto& squeezed = saved[4];
    const auto& weights = saved[5];
    const auto dy = ChannelsLast(gradients[0]);
    const Images images(x);
    // Of what goes into the sigmoid, and into the ReLU.
    const auto d2 = images.Products(x, dy) * weights * (1 - weights);
    const auto d1 = d2.mm(w2.flatten(1)) * (squeezed > 0);
    const auto of_mean = d1.mm(w1.flatten(1)).div_(static_cast<double>(images.rows()));
    return {images.Gradient(dy, weights, of_mean), d1.t().mm(mean).view_as(w1), d1.sum(0),
            d2.t().mm(squeezed).view_as(w2), d2.sum(0)};
  }
};

}  // namespace

at::Tensor FusedExcitation(const at::Tensor& x, const at::Tensor& fc1_weight,
                           const at::Tensor& fc1_bias, const at::Tensor& fc2_weight,
                           const at::Tensor& fc2_bias) {
  const NoAutocast guard;
  return ExcitationFunction::apply(ChannelsLast(x), fc1_weight, fc1_bias, fc2_weight, fc2_bias);
}

}  // namespace torchgraft
