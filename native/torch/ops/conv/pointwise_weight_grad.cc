#include "torch/ops/conv/pointwise_weight_grad.h"

#include <ATen/Functions.h>

#include <type_traits>

#include "torch/kernels/conv1x1/weight_grad/weight_grad.h"
#include "torch/ops/row_split.h"
#include "torch/ops/strided_grid.h"
#include "torch/ops/tensor_data.h"

namespace torchgraft {

namespace {

constexpr int64_t kChannelStep = 8;  // the loops' channels are multiples of it

// nullptr where neither a level nor one below it has one for a type.
template <typename Element>
const PointwiseGradientKernel<Element>* KernelOf(CpuLevel level) {
  if constexpr (std::is_same_v<Element, float>)
    return kPointwiseGradientFp32.Best(level);
  else
    return kPointwiseGradientBf16.Best(level);
}

// Threads share out the pixels, each with sums of its own; where that would be more to add up than
// inputs to pack, the outputs too, each with all inputs. By counts alone: the same each time.
struct Shares {
  int64_t of_pixels, of_outputs;

  Shares(int64_t pixels, int64_t out, int64_t threads) : of_pixels(threads) {
    while (of_pixels > 1 && (threads % of_pixels != 0 || of_pixels > pixels ||
                             of_pixels * out > threads / of_pixels * pixels))
      --of_pixels;
    of_outputs = threads / of_pixels;
  }
};

// Whether one share's sums are the weights' gradient as they are.
template <typename Element>
constexpr bool kSumsAreWeights = std::is_same_v<Element, float>;

template <typename Element>
class WeightGradient {
 public:
  WeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy, int64_t stride,
                 const at::Tensor& dweight)
      : kernel_(*KernelOf<Element>(level)),
        in_(x.size(1)),
        out_(dy.size(1)),
        pixels_(dy.size(0) * dy.size(2) * dy.size(3)),
        grid_(StridedGridOf(x.sizes(), stride)),
        x_(x),
        dy_(dy),
        dweight_(DataPtr<Element>(dweight)),
        shares_(pixels_, out_, at::get_num_threads()) {}

  void Run() const {
    if (kSumsAreWeights<Element> && shares_.of_pixels == 1) {
      Each([&](int64_t, int64_t o) {
        Sum(0, o, reinterpret_cast<float*>(dweight_) + FirstOutput(o) * in_);
      });
      return;
    }
    // Of a share of outputs all parts lie side by side.
    const int64_t most_outputs = (out_ / kChannelStep / shares_.of_outputs + 1) * kChannelStep;
    const int64_t step = (kernel_.sums(in_, most_outputs) + kLine - 1) / kLine * kLine;
    const auto memory = at::empty({shares_.of_outputs * shares_.of_pixels * step}, at::kFloat);
    float* const sums = memory.mutable_data_ptr<float>();
    Each([&](int64_t p, int64_t o) { Sum(p, o, sums + (o * shares_.of_pixels + p) * step); });
    for (int64_t o = 0; o < shares_.of_outputs; ++o) {
      const int64_t first = FirstOutput(o);
      ParallelFor(FirstOutput(o + 1) - first, kOutputsOfThread, [&](int64_t begin, int64_t end) {
        kernel_.add(in_, begin, end, shares_.of_pixels, step, sums + o * shares_.of_pixels * step,
                    dweight_ + first * in_);
      });
    }
  }

 private:
  static constexpr int64_t kLine = 16;             // floats
  static constexpr int64_t kOutputsOfThread = 32;  // fewer are not worth another thread

  int64_t FirstOutput(int64_t o) const {
    return out_ / kChannelStep * o / shares_.of_outputs * kChannelStep;
  }

  // function(share of pixels, share of outputs)
  template <typename Function>
  void Each(const Function& function) const {
    ParallelFor(shares_.of_pixels * shares_.of_outputs, /*grain_size=*/1,
                [&](int64_t begin, int64_t end) {
                  for (int64_t share = begin; share < end; ++share)
                    function(share / shares_.of_outputs, share % shares_.of_outputs);
                });
  }

  void Sum(int64_t p, int64_t o, float* sums) const {
    const int64_t first = pixels_ * p / shares_.of_pixels;
    const PointwiseGradient<Element> gradient{
        .in = in_,
        .out = FirstOutput(o + 1) - FirstOutput(o),
        .pixels = pixels_ * (p + 1) / shares_.of_pixels - first,
        .x = ConstDataPtr<Element>(x_),
        .grid = grid_,
        .first = first,
        .dy = ConstDataPtr<Element>(dy_) + first * out_ + FirstOutput(o),
        .dy_step = out_};
    if (gradient.out == 0) return;
    const auto scratch = at::empty({kernel_.scratch(gradient)}, x_.scalar_type());
    kernel_.sum(gradient, DataPtr<Element>(scratch), sums);
  }

  const PointwiseGradientKernel<Element>& kernel_;
  int64_t in_, out_, pixels_;
  StridedGrid grid_;
  const at::Tensor& x_;
  const at::Tensor& dy_;
  Element* dweight_;
  Shares shares_;
};

}  // namespace

bool HasPointwiseGradient(CpuLevel level, at::ScalarType type, int64_t in, int64_t out) {
  const bool has_loops = (type == at::kFloat && KernelOf<float>(level) != nullptr) ||
                         (type == at::kBFloat16 && KernelOf<uint16_t>(level) != nullptr);
  return has_loops && in % kChannelStep == 0 && out % kChannelStep == 0;
}

void PointwiseGradientInto(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                           int64_t stride, const at::Tensor& dweight) {
  if (x.scalar_type() == at::kFloat)
    WeightGradient<float>(level, x, dy, stride, dweight).Run();
  else
    WeightGradient<uint16_t>(level, x, dy, stride, dweight).Run();
}

}  // namespace torchgraft
