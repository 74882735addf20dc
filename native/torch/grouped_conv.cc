#include "grouped_conv.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <type_traits>

#include "elements.h"
#include "kernels/grouped_conv.h"

namespace torchgraft {

namespace {

// What a thread packs at a time stays in its second-level cache, which has 512 KiB and more, beside
// what it writes.
constexpr int64_t kPackedBytes = 224 * 1024;

// nullptr where a level has none for a type.
template <typename Element>
const GroupedConvKernel<Element>* KernelOf(CpuLevel level) {
  if constexpr (std::is_same_v<Element, float>)
    return level >= CpuLevel::kAvx2 ? GroupedConvAvx2() : nullptr;
  else
    return level >= CpuLevel::kAvx512Bf16 ? GroupedConvAvx512Bf16() : nullptr;
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

constexpr int64_t kMostSkew = 8;  // pixels that the loops add to a slab

// Elements that rows of outputs, or of their gradient, are packed into.
int64_t PackedForward(const GroupedConv& conv, int64_t rows) {
  return (((rows - 1) * conv.stride + 3) * (conv.width + 2) + kMostSkew) * conv.channels;
}

int64_t PackedDataGradient(const GroupedConv& conv, int64_t rows) {
  if (conv.stride == 1) return PackedForward(conv, rows);
  return ((rows + 1) * (conv.out_width + 1) + kMostSkew) * conv.channels;
}

// With room for pairs of pixels, and in bfloat16 for two of them a gradient.
int64_t PackedWeightGradient(const GroupedConv& conv, int64_t rows) {
  return (((rows - 1) * conv.stride + 3) * (conv.width + 5) + 2 * rows * (conv.out_width + 4) +
          2 * kMostSkew) *
         conv.channels;
}

// The pictures' rows of outputs, cut so that what is packed of each piece fits the cache.
struct Pieces {
  int64_t rows;         // of a picture
  int64_t of_picture;   // pieces
  int64_t count;        // in all pictures
  int64_t most_packed;  // elements

  // `least` of each picture, where it has so many rows.
  template <typename Packed>
  Pieces(const GroupedConv& conv, int64_t pictures, int64_t element_size, const Packed& packed,
         int64_t least = 1)
      : rows(conv.out_height), of_picture(std::min(least, conv.out_height)) {
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
at::Tensor PackWeights(const GroupedConvKernel<Element>& kernel, const GroupedConv& conv,
                       const at::Tensor& weight, bool for_gradient) {
  const auto packed = at::empty({weight.numel()}, weight.options());
  kernel.pack_weights(conv, Data<Element>(weight), StepsOf(weight), for_gradient,
                      MutableData<Element>(packed));
  return packed;
}

// Runs `loops`, forward's or data_gradient's, over all pieces of the pictures in `from`.
template <typename Element, typename Packed>
void Fill(const GroupedConv& conv, OutputLoops<Element> loops, const Packed& packed,
          const at::Tensor& packed_weight, const at::Tensor& from, const at::Tensor& to) {
  const int64_t pictures = from.size(0);
  const int64_t for_each_thread = (at::get_num_threads() + pictures - 1) / pictures;
  const Pieces pieces(conv, pictures, sizeof(Element), packed, for_each_thread);
  at::parallel_for(0, pieces.count, 1, [&](int64_t begin, int64_t end) {
    const auto scratch = at::empty({pieces.most_packed}, from.options());
    pieces.Each(begin, end, [&](int64_t picture, int64_t first, int64_t last) {
      loops(conv, Data<Element>(from) + picture * from.stride(0), Data<Element>(packed_weight),
            first, last, MutableData<Element>(scratch),
            MutableData<Element>(to) + picture * to.stride(0));
    });
  });
}

// A part of the sums for each thread, and the parts added in their order: the same each time.
template <typename Element>
void SumWeightGradient(const GroupedConvKernel<Element>& kernel, const GroupedConv& conv,
                       const at::Tensor& x, const at::Tensor& dy, const at::Tensor& dweight) {
  const Pieces pieces(conv, x.size(0), sizeof(Element), PackedWeightGradient);
  const int64_t parts = std::min<int64_t>(at::get_num_threads(), pieces.count);
  const auto sums = at::zeros({parts, dweight.numel()}, x.options().dtype(at::kFloat));
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    const auto scratch = at::empty({pieces.most_packed}, x.options());
    for (int64_t part = begin; part < end; ++part) {
      float* const to = MutableData<float>(sums) + part * dweight.numel();
      pieces.Each(pieces.count * part / parts, pieces.count * (part + 1) / parts,
                  [&](int64_t picture, int64_t first, int64_t last) {
                    kernel.weight_gradient(conv, Data<Element>(x) + picture * x.stride(0),
                                           Data<Element>(dy) + picture * dy.stride(0), first, last,
                                           MutableData<Element>(scratch), to);
                  });
    }
  });
  kernel.unpack_gradient(conv, Data<float>(sums), parts, StepsOf(dweight),
                         MutableData<Element>(dweight));
}

// Calls function(kernel) with the kernel for a type.
template <typename Function>
void WithKernel(CpuLevel level, at::ScalarType type, const Function& function) {
  if (type == at::kFloat)
    function(*KernelOf<float>(level));
  else
    function(*KernelOf<uint16_t>(level));
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
                          int64_t stride) {
  const auto conv = Describe(x.sizes(), weight.size(1), stride);
  auto y = EmptyPictures({x.size(0), conv.channels, conv.out_height, conv.out_width}, x);
  WithKernel(level, x.scalar_type(), [&](const auto& kernel) {
    Fill(conv, kernel.forward, PackedForward,
         PackWeights(kernel, conv, weight, /*for_gradient=*/false), x, y);
  });
  return y;
}

at::Tensor GroupedDataGradient(CpuLevel level, const at::Tensor& dy, const at::Tensor& weight,
                               at::IntArrayRef x_shape, int64_t stride) {
  const auto conv = Describe(x_shape, weight.size(1), stride);
  auto dx = EmptyPictures(x_shape, dy);
  WithKernel(level, dy.scalar_type(), [&](const auto& kernel) {
    Fill(conv, kernel.data_gradient, PackedDataGradient,
         PackWeights(kernel, conv, weight, /*for_gradient=*/true), dy, dx);
  });
  return dx;
}

at::Tensor GroupedWeightGradient(CpuLevel level, const at::Tensor& x, const at::Tensor& dy,
                                 const at::Tensor& weight, int64_t stride) {
  const auto conv = Describe(x.sizes(), weight.size(1), stride);
  auto dweight = at::empty_like(weight);
  WithKernel(level, x.scalar_type(),
             [&](const auto& kernel) { SumWeightGradient(kernel, conv, x, dy, dweight); });
  return dweight;
}

GroupedScoring::GroupedScoring(CpuLevel level, const at::Tensor& weight, const at::Tensor& bias,
                               int64_t stride)
    : level_(level), channels_(weight.size(0)), group_width_(weight.size(1)), stride_(stride) {
  bias_ = bias.to(at::kFloat).contiguous();
  const auto conv = Describe({1, channels_, 1, 1}, group_width_, stride);
  WithKernel(level, weight.scalar_type(), [&](const auto& kernel) {
    packed_ = PackWeights(kernel, conv, weight, /*for_gradient=*/false);
  });
}

at::Tensor GroupedScoring::Run(const at::Tensor& x, bool relu) const {
  GroupedConv conv = Describe(x.sizes(), group_width_, stride_);
  conv.bias = bias_.const_data_ptr<float>();
  conv.relu = relu;
  auto y = EmptyPictures({x.size(0), conv.channels, conv.out_height, conv.out_width}, x);
  WithKernel(level_, x.scalar_type(),
             [&](const auto& kernel) { Fill(conv, kernel.forward, PackedForward, packed_, x, y); });
  return y;
}

}  // namespace torchgraft
