#include "grouped_conv.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/grouped_conv.h"

namespace torchgraft {

namespace {

// What a thread packs at a time stays in its second-level cache, which has 512 KiB and more, beside
// what it writes.
constexpr int64_t kPackedBytes = 224 * 1024;

template <typename Element>
const GroupedConvKernel<Element>* KernelOf(CpuLevel level) {
  return level >= CpuLevel::kAvx2 ? GroupedConvAvx2() : nullptr;
}

GroupedConv Describe(at::IntArrayRef x, const at::Tensor& weight, int64_t stride) {
  return {.channels = x[1],
          .group_width = weight.size(1),
          .stride = stride,
          .height = x[2],
          .width = x[3],
          .out_height = (x[2] - 1) / stride + 1,
          .out_width = (x[3] - 1) / stride + 1};
}

WeightSteps StepsOf(const at::Tensor& weight) {
  return {weight.stride(0), weight.stride(1), weight.stride(2), weight.stride(3)};
}

// Elements that rows of outputs, or of their gradient, are packed into.
int64_t PackedForward(const GroupedConv& conv, int64_t rows) {
  return ((rows - 1) * conv.stride + 3) * (conv.width + 2) * conv.channels;
}

int64_t PackedDataGradient(const GroupedConv& conv, int64_t rows) {
  if (conv.stride == 1) return PackedForward(conv, rows);
  return (rows + 1) * (conv.out_width + 1) * conv.channels;
}

int64_t PackedWeightGradient(const GroupedConv& conv, int64_t rows) {
  return (((rows - 1) * conv.stride + 3) * (conv.width + 3) + rows * (conv.out_width + 2)) *
         conv.channels;
}

// The pictures' rows of outputs, cut so that what is packed of each piece fits the cache.
struct Pieces {
  int64_t rows;         // of a picture
  int64_t of_picture;   // pieces
  int64_t count;        // in all pictures
  int64_t most_packed;  // elements

  template <typename Packed>
  Pieces(const GroupedConv& conv, int64_t pictures, int64_t element_size, const Packed& packed)
      : rows(conv.out_height), of_picture(1) {
    const auto longest = [&] { return (rows + of_picture - 1) / of_picture; };
    while (longest() > 1 && packed(conv, longest()) * element_size > kPackedBytes) ++of_picture;
    count = pictures * of_picture;
    most_packed = packed(conv, longest());
  }

  // Calls function(picture, first row, end) for the pieces from `begin` to before `end`.
  template <typename Function>
  void Each(int64_t begin, int64_t end, const Function& function) const {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t k = i % of_picture;
      function(i / of_picture, rows * k / of_picture, rows * (k + 1) / of_picture);
    }
  }
};

at::Tensor EmptyPictures(at::IntArrayRef shape, const at::Tensor& like) {
  return at::empty(shape, like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

template <typename Element>
at::Tensor PackedWeight(const GroupedConvKernel<Element>& kernel, const GroupedConv& conv,
                        const at::Tensor& weight, bool for_gradient) {
  auto packed = at::empty({weight.numel()}, weight.options());
  kernel.pack_weights(conv, weight.const_data_ptr<Element>(), StepsOf(weight), for_gradient,
                      packed.template mutable_data_ptr<Element>());
  return packed;
}

}  // namespace

bool HasGroupedConv(CpuLevel level, at::ScalarType type, at::IntArrayRef weight, int64_t groups,
                    int64_t stride) {
  const int64_t width = weight[1];
  return type == at::kFloat && KernelOf<float>(level) != nullptr && weight[0] == groups * width &&
         width % 8 == 0 && weight[2] == 3 && weight[3] == 3 && (stride == 1 || stride == 2);
}

at::Tensor GroupedForward(CpuLevel level, const at::Tensor& x, const at::Tensor& weight,
                          int64_t stride) {
  const auto& kernel = *KernelOf<float>(level);
  const auto conv = Describe(x.sizes(), weight, stride);
  const Pieces pieces(conv, x.size(0), sizeof(float), PackedForward);
  const auto packed = PackedWeight(kernel, conv, weight, /*for_gradient=*/false);
  auto y = EmptyPictures({x.size(0), conv.channels, conv.out_height, conv.out_width}, x);
  const float* const from = x.const_data_ptr<float>();
  float* const to = y.mutable_data_ptr<float>();
  at::parallel_for(0, pieces.count, 1, [&](int64_t begin, int64_t end) {
    const auto scratch = at::empty({pieces.most_packed}, x.options());
    pieces.Each(begin, end, [&](int64_t picture, int64_t first, int64_t last) {
      kernel.forward(conv, from + picture * x.stride(0), packed.const_data_ptr<float>(), first,
                     last, scratch.mutable_data_ptr<float>(), to + picture * y.stride(0));
    });
  });
  return y;
}

at::Tensor GroupedDataGradient(CpuLevel level, const at::Tensor& dy, const at::Tensor& weight,
                               at::IntArrayRef x_shape, int64_t stride) {
  const auto& kernel = *KernelOf<float>(level);
  const auto conv = Describe(x_shape, weight, stride);
  const Pieces pieces(conv, dy.size(0), sizeof(float), PackedDataGradient);
  const auto packed = PackedWeight(kernel, conv, weight, /*for_gradient=*/true);
  auto dx = EmptyPictures(x_shape, dy);
  const float* const from = dy.const_data_ptr<float>();
  float* const to = dx.mutable_data_ptr<float>();
  at::parallel_for(0, pieces.count, 1, [&](int64_t begin, int64_t end) {
    const auto scratch = at::empty({pieces.most_packed}, dy.options());
    pieces.Each(begin, end, [&](int64_t picture, int64_t first, int64_t last) {
      kernel.data_gradient(conv, from + picture * dy.stride(0), packed.const_data_ptr<float>(),
                           first, last, scratch.mutable_data_ptr<float>(),
                           to + picture * dx.stride(0));
    });
  });
  return dx;
}

at::Tensor GroupedWeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                                 const at::Tensor& weight, int64_t stride) {
  const auto& kernel = *KernelOf<float>(level);
  const auto conv = Describe(x.sizes(), weight, stride);
  const Pieces pieces(conv, x.size(0), sizeof(float), PackedWeightGradient);
  // A part for each thread, and the parts added in their order: the same sums each time.
  const int64_t parts = std::min<int64_t>(at::get_num_threads(), pieces.count);
  auto sums = at::zeros({parts, weight.numel()}, x.options().dtype(at::kFloat));
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    const auto scratch = at::empty({pieces.most_packed}, x.options());
    for (int64_t part = begin; part < end; ++part) {
      pieces.Each(pieces.count * part / parts, pieces.count * (part + 1) / parts,
                  [&](int64_t picture, int64_t first, int64_t last) {
                    kernel.weight_gradient(conv, x.const_data_ptr<float>() + picture * x.stride(0),
                                           dy.const_data_ptr<float>() + picture * dy.stride(0),
                                           first, last, scratch.mutable_data_ptr<float>(),
                                           sums.mutable_data_ptr<float>() + part * weight.numel());
                  });
    }
  });
  auto dweight = at::empty_like(weight);
  kernel.unpack_gradient(conv, sums.const_data_ptr<float>(), parts, StepsOf(dweight),
                         dweight.mutable_data_ptr<float>());
  return dweight;
}

}  // namespace torchgraft
