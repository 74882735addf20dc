#include "pointwise_gradient.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include "kernels/pointwise_gradient.h"

namespace torchgraft {

namespace {

constexpr int64_t kChannelStep = 8;  // the loops' channels are multiples of it

const PointwiseGradientKernel* KernelOf(CpuLevel level) {
  return level >= CpuLevel::kAvx2 ? PointwiseGradientAvx2() : nullptr;
}

// Threads share out the pixels, each with sums of its own; where that would be more to add up than
// inputs to pack, the outputs too, each with all inputs. By counts alone: the same each time.
struct Shares {
  int64_t of_pixels, of_outputs;

  Shares(int64_t pixels, int64_t out, int64_t threads) : of_pixels(threads) {
    while (of_pixels > 1 &&
           (threads % of_pixels != 0 || of_pixels * out > threads / of_pixels * pixels))
      --of_pixels;
    of_outputs = threads / of_pixels;
  }
};

// Adds to sums [of_pixels][out][in].
void AddShare(const PointwiseGradientKernel& kernel, const at::Tensor& x, const at::Tensor& dy,
              const Shares& shares, int64_t share, float* sums) {
  const int64_t pixels = x.size(0), in = x.size(1), out = dy.size(1);
  const int64_t p = share / shares.of_outputs, o = share % shares.of_outputs;
  const int64_t first_pixel = pixels * p / shares.of_pixels;
  const int64_t steps = out / kChannelStep;
  const int64_t first_output = steps * o / shares.of_outputs * kChannelStep;
  const PointwiseGradient gradient{
      .in = in,
      .out = steps * (o + 1) / shares.of_outputs * kChannelStep - first_output,
      .pixels = pixels * (p + 1) / shares.of_pixels - first_pixel,
      .x = x.const_data_ptr<float>() + first_pixel * in,
      .dy = dy.const_data_ptr<float>() + first_pixel * out + first_output,
      .dy_step = out};
  const auto scratch = at::empty({kernel.scratch(in, gradient.out)}, x.options());
  kernel.add(gradient, scratch.mutable_data_ptr<float>(), sums + (p * out + first_output) * in);
}

}  // namespace

bool HasPointwiseGradient(CpuLevel level, at::ScalarType type, int64_t in, int64_t out) {
  return type == at::kFloat && KernelOf(level) != nullptr && in % kChannelStep == 0 &&
         out % kChannelStep == 0;
}

void PointwiseGradientInto(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                           const at::Tensor& dweight) {
  const Shares shares(x.size(0), dy.size(1), at::get_num_threads());
  const bool parts = shares.of_pixels > 1;
  const auto sums = parts ? at::zeros({shares.of_pixels, dy.size(1), x.size(1)}, dweight.options())
                          : dweight.zero_();
  float* const to = sums.mutable_data_ptr<float>();
  at::parallel_for(0, shares.of_pixels * shares.of_outputs, /*grain_size=*/1,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t share = begin; share < end; ++share)
                       AddShare(*KernelOf(level), x, dy, shares, share, to);
                   });
  auto result = dweight;
  if (parts) at::sum_out(result, sums, /*dim=*/0);
}

}  // namespace torchgraft
