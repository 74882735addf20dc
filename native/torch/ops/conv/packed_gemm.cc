#include "torch/ops/conv/packed_gemm.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <optional>
#include <type_traits>

#include "torch/kernels/conv1x1/pointwise.h"
#include "torch/ops/row_split.h"
#include "torch/ops/strided_grid.h"
#include "torch/ops/tensor_data.h"

namespace torchgraft {

namespace {

// Fewer are not worth another thread.
constexpr int64_t kPixelsOfThread = 24;

// nullptr where neither a level nor one below it has one for a type.
template <typename Element>
const PointwiseKernel<Element>* KernelOf(CpuLevel level) {
  if constexpr (std::is_same_v<Element, float>)
    return kPointwiseFp32.Best(level);
  else
    return kPointwiseBf16.Best(level);
}

// nullptr where a level has no tiles for a type: then it may have the kernel above.
const TiledPointwiseKernel* TilesOf(CpuLevel level, at::ScalarType type) {
  return type == at::kBFloat16 ? kTiledPointwise.Best(level) : nullptr;
}

int64_t PackedElements(CpuLevel level, at::ScalarType type, int64_t in, int64_t out) {
  const auto* const tiles = TilesOf(level, type);
  return tiles == nullptr ? in * PointwiseWidth(out) : tiles->packed(in, out);
}

// Has compute(begin, end) compute y, in units of some pixels, on several threads, and takes its
// moments while it is in the cache.
template <typename Function>
void ForPixels(int64_t units, int64_t unit, const at::Tensor& y, BatchStats* moments,
               const Function& compute) {
  const int64_t parts =
      std::clamp<int64_t>(units * unit / kPixelsOfThread, 1, at::get_num_threads());
  std::optional<ChannelStatsSums> of_y;
  if (moments != nullptr) of_y.emplace(y, parts);
  const int64_t together =
      of_y ? std::max<int64_t>(ChannelStatsSums::PixelsPerChunk(y) / unit, 1) : units;
  ParallelFor(parts, /*grain_size=*/1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      const int64_t end = units * (part + 1) / parts;
      for (int64_t begin = units * part / parts; begin < end; begin += together) {
        compute(begin, std::min(begin + together, end));
        if (of_y) of_y->Add(part, begin * unit, std::min(begin + together, end) * unit);
      }
    }
  });
  if (of_y) *moments = of_y->Merged();
}

}  // namespace

bool PackedGemm::Has(CpuLevel level, at::ScalarType type, int64_t in, int64_t out) {
  const bool has_loops = (type == at::kFloat && KernelOf<float>(level) != nullptr) ||
                         (type == at::kBFloat16 && KernelOf<uint16_t>(level) != nullptr);
  return has_loops && in % 8 == 0 && out % 8 == 0;
}

PackedGemm::PackedGemm(CpuLevel level, const at::Tensor& matrix, const at::Tensor& bias)
    : level_(level),
      in_(matrix.size(0)),
      out_(matrix.size(1)),
      packed_(
          at::empty({PackedElements(level, matrix.scalar_type(), in_, out_)}, matrix.options())),
      bias_(at::zeros({PointwiseWidth(out_)}, at::kFloat)) {
  if (bias.defined()) bias_.slice(0, 0, out_).copy_(bias);
  const auto rows = matrix.stride(0) == 1 || matrix.stride(1) == 1 ? matrix : matrix.contiguous();
  const auto type = matrix.scalar_type();
  if (const auto* const tiles = TilesOf(level, type)) {
    tiles->pack(in_, out_, ConstDataPtr<uint16_t>(rows), rows.stride(0), rows.stride(1),
                DataPtr<uint16_t>(packed_));
  } else if (type == at::kFloat) {
    KernelOf<float>(level)->pack(in_, out_, ConstDataPtr<float>(matrix.contiguous()),
                                 DataPtr<float>(packed_));
  } else {
    KernelOf<uint16_t>(level)->pack(in_, out_, ConstDataPtr<uint16_t>(matrix.contiguous()),
                                    DataPtr<uint16_t>(packed_));
  }
}

at::Tensor PackedGemm::Run(const at::Tensor& x, int64_t stride, bool relu,
                           const at::Tensor& added) const {
  return RunInto(x, stride, relu, added, /*moments=*/nullptr);
}

at::Tensor PackedGemm::RunForNorm(const at::Tensor& x, int64_t stride,
                                  BatchStats* moments) const {
  return RunInto(x, stride, /*relu=*/false, /*added=*/{}, moments);
}

at::Tensor PackedGemm::RunInto(const at::Tensor& x, int64_t stride, bool relu,
                               const at::Tensor& added, BatchStats* moments) const {
  const auto grid = StridedGridOf(x.sizes(), stride);
  const auto y = EmptyImages({x.size(0), out_, grid.height, grid.width}, x);
  if (TilesOf(level_, x.scalar_type()) != nullptr)
    RunTiles(x, stride, relu, added, y, /*y_stride=*/1, moments);
  else if (x.scalar_type() == at::kFloat)
    RunAs<float>(x, stride, relu, added, y, moments);
  else
    RunAs<uint16_t>(x, stride, relu, added, y, moments);
  return y;
}

at::Tensor PackedGemm::RunZeroInserted(const at::Tensor& x, at::IntArrayRef y_shape,
                                       int64_t stride) const {
  if (TilesOf(level_, x.scalar_type()) == nullptr) return ZeroInsert(Run(x), y_shape, stride);
  const auto y = EmptyImages(y_shape, x);
  RunTiles(x, /*x_stride=*/1, /*relu=*/false, /*added=*/{}, y, stride, /*moments=*/nullptr);
  return y;
}

void PackedGemm::RunTiles(const at::Tensor& x, int64_t x_stride, bool relu, const at::Tensor& added,
                          const at::Tensor& y, int64_t y_stride, BatchStats* moments) const {
  const auto& kernel = *TilesOf(level_, x.scalar_type());
  const TiledPointwise conv{.in = in_,
                            .out = out_,
                            .bias = ConstDataPtr<float>(bias_),
                            .relu = relu,
                            .packed = ConstDataPtr<uint16_t>(packed_),
                            .x = ConstDataPtr<uint16_t>(x),
                            .x_grid = StridedGridOf(x.sizes(), x_stride),
                            .added = ConstDataPtr<uint16_t>(added),
                            .y = DataPtr<uint16_t>(y),
                            .y_grid = StridedGridOf(y.sizes(), y_stride)};
  ForPixels(PixelCount(conv.x_grid, x.size(0)), /*unit=*/1, y, moments,
            [&](int64_t begin, int64_t end) {
              const auto scratch = at::empty({kernel.scratch(in_)}, at::kBFloat16);
              kernel.run(conv, begin, end - begin, DataPtr<uint16_t>(scratch));
            });
}

template <typename Element>
void PackedGemm::RunAs(const at::Tensor& x, int64_t stride, bool relu, const at::Tensor& added,
                       const at::Tensor& y, BatchStats* moments) const {
  const auto& kernel = *KernelOf<Element>(level_);
  const Pointwise conv{in_, out_, stride * in_, ConstDataPtr<float>(bias_), relu};
  const auto* const from = ConstDataPtr<Element>(x);
  const auto* const packed = ConstDataPtr<Element>(packed_);
  const auto* const residual = ConstDataPtr<Element>(added);
  auto* const to = DataPtr<Element>(y);
  const auto run = [&](int64_t source, int64_t pixel, int64_t count) {
    kernel.run(conv, packed, from + source * in_,
               residual == nullptr ? nullptr : residual + pixel * out_, count, to + pixel * out_);
  };
  const int64_t height = y.size(2);
  const int64_t width = y.size(3);
  if (stride == 1) {
    ForPixels(y.size(0) * height * width, /*unit=*/1, y, moments,
              [&](int64_t begin, int64_t end) { run(begin, begin, end - begin); });
    return;
  }
  // A strided grid's pixels lie evenly apart along a row alone.
  ForPixels(y.size(0) * height, /*unit=*/width, y, moments, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t source = row / height * x.size(2) + row % height * stride;
      run(source * x.size(3), row * width, width);
    }
  });
}

}  // namespace torchgraft
