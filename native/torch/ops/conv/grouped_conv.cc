#include "torch/ops/conv/grouped_conv.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <optional>
#include <type_traits>

#include "torch/kernels/conv3x3_grouped/grouped_conv.h"
#include "torch/ops/conv/row_pieces.h"
#include "torch/ops/row_split.h"
#include "torch/ops/tensor_data.h"

namespace torchgraft {

namespace {

// nullptr where neither a level nor one below it has one for a type.
template <typename Element>
const GroupedConvKernel<Element>* KernelOf(CpuLevel level) {
  if constexpr (std::is_same_v<Element, float>)
    return kGroupedConvFp32.Best(level);
  else
    return kGroupedConvBf16.Best(level);
}

GroupedConv Describe(at::IntArrayRef x, int64_t group_width, int64_t stride) {
  return {.channels = x[1],
          .group_width = group_width,
          .stride = stride,
          .height = x[2],
          .width = x[3],
          .out_height = (x[2] - 1) / stride + 1,
          .out_width = (x[3] - 1) / stride + 1};
}

WeightSteps StepsOf(const at::Tensor& weight) {
  return {weight.stride(0), weight.stride(1), weight.stride(2), weight.stride(3)};
}

// Calls function(begin, end) for the parts of the weights, on several threads where there are many.
template <typename Element, typename Function>
void ForWeights(const GroupedConvKernel<Element>& kernel, const GroupedConv& conv,
                const Function& function) {
  constexpr int64_t kLeast = 8192;  // for a thread, which takes as long to start
  const int64_t parts = kernel.workspace->weight_parts(conv);
  const int64_t weights = conv.channels * conv.group_width * 9;
  ParallelFor(parts, std::max<int64_t>(1, kLeast * parts / weights), function);
}

template <typename Element>
at::Tensor PackWeights(const GroupedConvKernel<Element>& kernel, const GroupedConv& conv,
                       const at::Tensor& weight, bool for_gradient) {
  const auto packed = at::empty({kernel.workspace->weights(conv)}, weight.options());
  ForWeights(kernel, conv, [&](int64_t begin, int64_t end) {
    kernel.pack_weights(conv, {.weight = ConstDataPtr<Element>(weight),
                               .steps = StepsOf(weight),
                               .for_gradient = for_gradient,
                               .begin = begin,
                               .end = end,
                               .packed = DataPtr<Element>(packed)});
  });
  return packed;
}

// Runs the kernel's forward, or its data_gradient, over all pieces of the images in `from`.
template <typename Element>
void Fill(const GroupedConvKernel<Element>& kernel, const GroupedConv& conv, bool gradient,
          const at::Tensor& packed_weight, const at::Tensor& from, const at::Tensor& to,
          BatchStats* moments = nullptr) {
  const auto compute = gradient ? kernel.data_gradient : kernel.forward;
  const auto size = gradient ? kernel.workspace->data_gradient : kernel.workspace->forward;
  const Pieces pieces(conv, from.size(0), sizeof(Element), *kernel.workspace, size,
                      at::get_num_threads());
  std::optional<ChannelStatsSums> of_pieces;
  if (moments != nullptr) of_pieces.emplace(to, pieces.count);
  ParallelFor(pieces.count, 1, [&](int64_t begin, int64_t end) {
    const auto scratch = at::empty({pieces.most_packed}, from.options());
    pieces.Each(begin, end, [&](int64_t piece, int64_t image, int64_t first, int64_t last) {
      compute(conv, {.from = ConstDataPtr<Element>(from) + image * from.stride(0),
                     .packed = ConstDataPtr<Element>(packed_weight),
                     .begin = first,
                     .end = last,
                     .scratch = DataPtr<Element>(scratch),
                     .to = DataPtr<Element>(to) + image * to.stride(0)});
      const int64_t row = image * conv.out_height;
      if (of_pieces)
        of_pieces->Add(piece, (row + first) * conv.out_width, (row + last) * conv.out_width);
    });
  });
  if (of_pieces) *moments = of_pieces->Merged();
}

// A part of the sums for each thread, and the parts added in their order: the same each time.
template <typename Element>
void SumWeightGradient(const GroupedConvKernel<Element>& kernel, const GroupedConv& conv,
                       const at::Tensor& x, const at::Tensor& dy, const at::Tensor& dweight) {
  const int64_t threads = at::get_num_threads();
  const Pieces pieces(conv, x.size(0), sizeof(Element), *kernel.workspace,
                      kernel.workspace->weight_gradient,
                      kernel.workspace->many_images ? threads : 1);
  const int64_t parts = std::min(threads, pieces.count);
  const auto sums = at::zeros({parts, kernel.workspace->sums(conv)}, x.options().dtype(at::kFloat));
  ParallelFor(parts, 1, [&](int64_t begin, int64_t end) {
    const auto scratch = at::empty({pieces.most_packed}, x.options());
    for (int64_t part = begin; part < end; ++part) {
      float* const to = DataPtr<float>(sums) + part * sums.stride(0);
      pieces.Each(pieces.count * part / parts, pieces.count * (part + 1) / parts,
                  [&](int64_t, int64_t image, int64_t first, int64_t last) {
                    kernel.weight_gradient(conv,
                                           {.x = ConstDataPtr<Element>(x) + image * x.stride(0),
                                            .dy = ConstDataPtr<Element>(dy) + image * dy.stride(0),
                                            .begin = first,
                                            .end = last,
                                            .scratch = DataPtr<Element>(scratch),
                                            .sums = to});
                  });
    }
  });
  ForWeights(kernel, conv, [&](int64_t begin, int64_t end) {
    kernel.unpack_gradient(conv, {.sums = ConstDataPtr<float>(sums),
                                  .copies = parts,
                                  .steps = StepsOf(dweight),
                                  .begin = begin,
                                  .end = end,
                                  .dweight = DataPtr<Element>(dweight)});
  });
}

// Calls function(kernel, conv) with the kernel for a type, and if that needs a fallback with the
// one of the level below, which needs none.
template <typename Function>
void WithKernel(CpuLevel level, at::ScalarType type, GroupedConv conv, const Function& function) {
  bool needs_fallback = false;
  conv.needs_fallback = &needs_fallback;
  if (type == at::kFloat)
    function(*KernelOf<float>(level), conv);
  else
    function(*KernelOf<uint16_t>(level), conv);
  if (needs_fallback) function(*KernelOf<uint16_t>(CpuLevel::kAvx512Bf16), conv);
}

}  // namespace

bool HasGroupedConv(CpuLevel level, at::ScalarType type, at::IntArrayRef weight, int64_t groups,
                    int64_t stride) {
  const bool has_loops = (type == at::kFloat && KernelOf<float>(level) != nullptr) ||
                         (type == at::kBFloat16 && KernelOf<uint16_t>(level) != nullptr);
  const int64_t width = weight[1];
  return has_loops && weight[0] == groups * width && width % 8 == 0 && weight[2] == 3 &&
         weight[3] == 3 && (stride == 1 || stride == 2);
}

at::Tensor GroupedForward(CpuLevel level, const at::Tensor& x, const at::Tensor& weight,
                          int64_t stride, BatchStats* moments) {
  const auto shape = Describe(x.sizes(), weight.size(1), stride);
  auto y = EmptyImages({x.size(0), shape.channels, shape.out_height, shape.out_width}, x);
  WithKernel(level, x.scalar_type(), shape, [&](const auto& kernel, const auto& conv) {
    Fill(kernel, conv, /*gradient=*/false,
         PackWeights(kernel, conv, weight, /*for_gradient=*/false), x, y, moments);
  });
  return y;
}

at::Tensor GroupedDataGradient(CpuLevel level, const at::Tensor& dy, const at::Tensor& weight,
                               at::IntArrayRef x_shape, int64_t stride) {
  const auto shape = Describe(x_shape, weight.size(1), stride);
  auto dx = EmptyImages(x_shape, dy);
  WithKernel(level, dy.scalar_type(), shape, [&](const auto& kernel, const auto& conv) {
    Fill(kernel, conv, /*gradient=*/true, PackWeights(kernel, conv, weight, /*for_gradient=*/true),
         dy, dx);
  });
  return dx;
}

at::Tensor GroupedWeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                                 const at::Tensor& weight, int64_t stride) {
  const auto shape = Describe(x.sizes(), weight.size(1), stride);
  auto dweight = at::empty_like(weight);
  WithKernel(level, x.scalar_type(), shape, [&](const auto& kernel, const auto& conv) {
    SumWeightGradient(kernel, conv, x, dy, dweight);
  });
  return dweight;
}

GroupedScoring::GroupedScoring(CpuLevel level, const at::Tensor& weight, const at::Tensor& bias,
                               int64_t stride)
    : level_(level), stride_(stride), weight_(weight) {
  bias_ = bias.to(at::kFloat).contiguous();
  WithKernel(level, weight.scalar_type(),
             Describe({1, weight.size(0), 1, 1}, weight.size(1), stride),
             [&](const auto& kernel, const auto& conv) {
               packed_ = PackWeights(kernel, conv, weight, /*for_gradient=*/false);
             });
}

at::Tensor GroupedScoring::Run(const at::Tensor& x, bool relu) const {
  GroupedConv shape = Describe(x.sizes(), weight_.size(1), stride_);
  shape.bias = bias_.const_data_ptr<float>();
  shape.relu = relu;
  auto y = EmptyImages({x.size(0), shape.channels, shape.out_height, shape.out_width}, x);
  auto packed = packed_;
  WithKernel(level_, x.scalar_type(), shape, [&](const auto& kernel, const auto& conv) {
    if (!packed.defined()) packed = PackWeights(kernel, conv, weight_, /*for_gradient=*/false);
    Fill(kernel, conv, /*gradient=*/false, packed, x, y);
    packed.reset();  // in another kernel's order, if this one needs a fallback
  });
  return y;
}

}  // namespace torchgraft
