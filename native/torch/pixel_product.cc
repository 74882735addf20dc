#include "pixel_product.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <type_traits>

#include "elements.h"
#include "kernels/pointwise.h"

namespace torchgraft {

namespace {

// Fewer are not worth another thread.
constexpr int64_t kPixelsOfThread = 24;

// nullptr where a level has none for a type.
template <typename Element>
const PointwiseKernel<Element>* KernelOf(CpuLevel level) {
  if constexpr (std::is_same_v<Element, uint16_t>)
    return level >= CpuLevel::kAvx512Bf16 ? PointwiseAvx512Bf16() : nullptr;
  else if (level >= CpuLevel::kAvx512)
    return PointwiseAvx512();
  else
    return level == CpuLevel::kAvx2 ? PointwiseAvx2() : nullptr;
}

}  // namespace

bool PixelProduct::Has(CpuLevel level, at::ScalarType type, int64_t in, int64_t out) {
  const bool has_loops = (type == at::kFloat && KernelOf<float>(level) != nullptr) ||
                         (type == at::kBFloat16 && KernelOf<uint16_t>(level) != nullptr);
  return has_loops && in % 8 == 0 && out % 8 == 0;
}

PixelProduct::PixelProduct(CpuLevel level, const at::Tensor& matrix, const at::Tensor& bias)
    : level_(level),
      in_(matrix.size(0)),
      out_(matrix.size(1)),
      packed_(at::empty({in_ * PointwiseWidth(out_)}, matrix.options())),
      bias_(at::zeros({PointwiseWidth(out_)}, at::kFloat)) {
  if (bias.defined()) bias_.slice(0, 0, out_).copy_(bias);
  const auto rows = matrix.contiguous();
  if (matrix.scalar_type() == at::kFloat) {
    KernelOf<float>(level)->pack(in_, out_, Data<float>(rows), MutableData<float>(packed_));
  } else {
    KernelOf<uint16_t>(level)->pack(in_, out_, Data<uint16_t>(rows),
                                    MutableData<uint16_t>(packed_));
  }
}

at::Tensor PixelProduct::Run(const at::Tensor& x, int64_t stride, bool relu,
                             const at::Tensor& added) const {
  const auto y =
      at::empty({x.size(0), out_, (x.size(2) - 1) / stride + 1, (x.size(3) - 1) / stride + 1},
                x.options().memory_format(at::MemoryFormat::ChannelsLast));
  if (x.scalar_type() == at::kFloat)
    RunAs<float>(x, stride, relu, added, y);
  else
    RunAs<uint16_t>(x, stride, relu, added, y);
  return y;
}

template <typename Element>
void PixelProduct::RunAs(const at::Tensor& x, int64_t stride, bool relu, const at::Tensor& added,
                         const at::Tensor& y) const {
  const auto& kernel = *KernelOf<Element>(level_);
  const Pointwise conv{in_, out_, stride * in_, Data<float>(bias_), relu};
  const auto* const from = Data<Element>(x);
  const auto* const packed = Data<Element>(packed_);
  const auto* const more = Data<Element>(added);
  auto* const to = MutableData<Element>(y);
  const auto run = [&](int64_t source, int64_t pixel, int64_t count) {
    kernel.run(conv, packed, from + source * in_, more == nullptr ? nullptr : more + pixel * out_,
               count, to + pixel * out_);
  };
  const int64_t height = y.size(2);
  const int64_t width = y.size(3);
  if (stride == 1) {
    at::parallel_for(0, y.size(0) * height * width, kPixelsOfThread,
                     [&](int64_t begin, int64_t end) { run(begin, begin, end - begin); });
    return;
  }
  // Pixels that are met lie evenly apart along a row alone.
  at::parallel_for(0, y.size(0) * height, (kPixelsOfThread + width - 1) / width,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t row = begin; row < end; ++row) {
                       const int64_t source = row / height * x.size(2) + row % height * stride;
                       run(source * x.size(3), row * width, width);
                     }
                   });
}

}  // namespace torchgraft
