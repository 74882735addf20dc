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

// Weighing a channel is a batch norm of another mean and scale for each image: its kernels do
// both directions.
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
    return Sums(0,
                [&](int64_t begin, int64_t end, float* sum, float* squares) {
                  kernels_.sums(x.const_data_ptr(), channels_, begin, end, zeros_[0], sum, squares);
                })
        .div_(static_cast<double>(rows_));
  }

  // Σ dy · x over each image's pixels, [n, channels].
  at::Tensor Products(const at::Tensor& x, const at::Tensor& dy) const {
    NormBackward norm = Backward(x, dy);
    return Sums(1, [&](int64_t begin, int64_t end, float* sum, float* products) {
      kernels_.gradient_sums(norm, begin, end, sum, products);
    });
  }

  at::Tensor Weighed(const at::Tensor& x, const at::Tensor& weights) const {
    const auto y = at::empty_like(x);
    const PerChannel each = PerImage(weights);
    OverImages([&](int64_t image, int64_t begin, int64_t end) {
      const NormForward norm{.x = x.const_data_ptr(),
                             .added = nullptr,
                             .y = y.data_ptr(),
                             .relu_mask = nullptr,
                             .mean = zeros_[0],
                             .scale = each[image],
                             .bias = zeros_[0],
                             .channels = channels_,
                             .relu = false};
      kernels_.forward(norm, begin, end);
    });
    return y;
  }

  // weights · dy + constants
  at::Tensor Gradient(const at::Tensor& x, const at::Tensor& dy, const at::Tensor& weights,
                      const at::Tensor& constants) const {
    const auto dx = at::empty_like(x);
    const PerChannel each = PerImage(weights);
    const PerChannel constant = PerImage(constants);
    OverImages([&](int64_t image, int64_t begin, int64_t end) {
      NormBackward norm = Backward(x, dy);
      norm.dx = dx.data_ptr();
      norm.coef_dz = each[image];
      norm.offset = constant[image];
      kernels_.gradient(norm, begin, end);
    });
    return dx;
  }

 private:
  NormBackward Backward(const at::Tensor& x, const at::Tensor& dy) const {
    return {.x = x.const_data_ptr(),
            .dy = dy.const_data_ptr(),
            .dy_shortcut = nullptr,
            .relu_mask = nullptr,
            .dz = nullptr,
            .dx = nullptr,
            .mean = zeros_[0],
            .scale = zeros_[0],
            .bias = zeros_[0],
            .coef_dz = zeros_[0],
            .coef_x = zeros_[0],
            .offset = zeros_[0],
            .channels = channels_,
            .relu = false};
  }

  // Last ones first: the pass before has left them in the cache.
  template <typename Function>
  void OverImages(const Function& function) const {
    RowSplit(count_).Each([&](int64_t, int64_t first, int64_t last) {
      for (int64_t i = last - 1; i >= first; --i) function(i, i * rows_, (i + 1) * rows_);
    });
  }

  template <typename Function>
  at::Tensor Sums(int64_t which, const Function& add) const {
    const auto result = at::empty({count_, channels_}, at::kFloat);
    auto* const numbers = result.data_ptr<float>();
    RowSplit(count_).Each([&](int64_t, int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        std::vector<double> sums(static_cast<size_t>(2 * channels_));
        AddRows(i * rows_, (i + 1) * rows_, channels_, sums.data(), add);
        for (int64_t c = 0; c < channels_; ++c)
          numbers[i * channels_ + c] = static_cast<float>(sums[which * channels_ + c]);
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
    return {images.Gradient(x, dy, weights, of_mean), d1.t().mm(mean).view_as(w1), d1.sum(0),
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
