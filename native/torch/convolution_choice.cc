#include "convolution_choice.h"

#include <ATen/cpu/Utils.h>

#include "grouped_conv.h"
#include "pixel_product.h"
#include "pointwise_gradient.h"

namespace torchgraft {

namespace {

constexpr auto kLibrary = ConvAlgorithm::kLibrary;
constexpr auto kProduct = ConvAlgorithm::kProduct;
constexpr auto kPacked = ConvAlgorithm::kPacked;
constexpr auto kDirect = ConvAlgorithm::kDirect;

// Behind each rule: GFLOP/s of one core of a Zen 4, forward / data gradient / weight gradient, own
// against oneDNN's, at batch 32 (engine_check convolution-speed).

// In groups of 8 at 28 px 73/72/78 against 30/30/47, of 24 95/94/93 against 66/68/58, of 56
// 103/103/100 against 96/94/61, of 112 101/95/104 against 108/101/77; with stride 2 of 64 81/85/80
// against 75/73/56.
ConvChoice DirectFloatAvx2(int64_t group_width, const ConvShape& shape) {
  const bool outputs = group_width <= (shape.stride == 1 ? 56 : 64);
  const bool weights = group_width <= 128;  // each thread has sums of its own
  return {outputs ? kDirect : kLibrary, outputs ? kDirect : kLibrary, weights ? kDirect : kLibrary};
}

// oneDNN's blocks of 16 outputs fill its vectors where the groups do. Else, of 8 at 28 px 68/69/68
// against 43/47/34, of 24 97/97/92 against 71/72/67. Weight gradients of 48 at 56 px 100 against
// 85, at 14 px 86 against 98.
ConvChoice DirectFloatAvx512(int64_t group_width, const ConvShape& shape) {
  if (group_width > 64) return {};
  if (group_width % 16 != 0) return {kDirect, kDirect, kDirect};
  return {kLibrary, kLibrary, shape.width >= 28 ? kDirect : kLibrary};
}

// Of 8 at 28 px 145/144/135 against 137/137/68, at 14 px 141/138/144 against 155/157/67; of 16 at
// 28 px 190/194/167 against 164/161/149, at 14 px 155/158/138 against 213/180/116; of 24 at 28 px
// 196/191/165 against 130/129/123; of 48 at 14 px 203/198/139 against 192/188/151; of 64 at 28 px
// 219/216/181 against 203/203/194.
ConvChoice DirectBf16(int64_t group_width, const ConvShape& shape) {
  if (group_width > 64) return {};
  const bool long_rows = shape.width >= 28;
  const bool outputs = group_width > 16 || (shape.stride == 1 ? long_rows : group_width == 8);
  const bool weights = group_width < 48 || (group_width < 64 && long_rows);
  return {outputs ? kDirect : kLibrary, outputs ? kDirect : kLibrary, weights ? kDirect : kLibrary};
}

// With stride 2 oneDNN falls off: 208 to 440 at 14 px 83/77 against 68/56, with AVX-512 89/84
// against 84/66. Weight gradients with AVX2, own against the product and oneDNN's (engine_check
// pointwise-speed): 48 to 104 at 56 px 86, 65, 62, 104 to 104 at 28 px 99, 75, 77, 208 to 208 at 14
// px 103, 92, 83, 440 to 440 at 7 px 105, 97, 93, with stride 2 48 to 104 at 56 px 70, 57, 61, 208
// to 440 at 14 px 103, 97, 95; but 32 to 48 at 112 px 68, 48, 69.
ConvChoice PointwiseFloat(CpuLevel level, const ConvShape& shape) {
  const bool packed = PixelProduct::Has(level, at::kFloat, shape.in, shape.out);
  const bool products = shape.in >= 104;
  const auto outputs = packed ? kPacked : products && shape.stride == 2 ? kProduct : kLibrary;
  if (level != CpuLevel::kAvx2) return {outputs, outputs, kLibrary};
  if (shape.in >= 48 && HasPointwiseGradient(level, at::kFloat, shape.in, shape.out))
    return {outputs, outputs, kPacked};
  return {outputs, outputs, products && shape.stride == 1 ? kProduct : kLibrary};
}

bool FindAmx() {
  const auto capabilities = at::cpu::get_cpu_capabilities();
  const auto amx = capabilities.find("amx_bf16");
  return amx != capabilities.end() && amx->second.isBool() && amx->second.toBool();
}

bool HasAmx() {
  static const bool has = FindAmx();
  return has;
}

// With stride 2, 48 to 104 channels at 56 px 131/103 against 111/89, 208 to 440 at 14 px 188/172
// against 173/95. On AMX the products win with stride 1 from 104 channels on.
ConvChoice PointwiseBf16(const ConvShape& shape) {
  if (HasAmx())
    return shape.stride == 1 && shape.in >= 104 ? ConvChoice{kProduct, kProduct, kLibrary}
                                                : ConvChoice{};
  const bool packed = PixelProduct::Has(CpuLevel::kAvx512Bf16, at::kBFloat16, shape.in, shape.out);
  return packed ? ConvChoice{kPacked, kPacked, kLibrary} : ConvChoice{};
}

bool IsDirect(CpuLevel level, at::ScalarType type, const ConvShape& shape) {
  const int64_t width = shape.in / shape.groups;
  return shape.padding == 1 && shape.groups > 1 &&
         HasGroupedConv(level, type, {shape.out, width, shape.kernel, shape.kernel}, shape.groups,
                        shape.stride);
}

bool IsPointwise(const ConvShape& shape) {
  return shape.kernel == 1 && shape.padding == 0 && shape.groups == 1;
}

}  // namespace

bool ConvChoice::AllLibrary() const {
  return forward == kLibrary && data_gradient == kLibrary && weight_gradient == kLibrary;
}

ConvChoice ChooseConv(CpuLevel level, at::ScalarType type, const ConvShape& shape) {
  const bool bf16 = type == at::kBFloat16 && level == CpuLevel::kAvx512Bf16;
  const bool fp32 = type == at::kFloat && level >= CpuLevel::kAvx2;
  if (!bf16 && !fp32) return {};
  if (IsPointwise(shape)) return bf16 ? PointwiseBf16(shape) : PointwiseFloat(level, shape);
  if (!IsDirect(level, type, shape)) return {};
  const int64_t width = shape.in / shape.groups;
  if (bf16) return HasAmx() ? ConvChoice{} : DirectBf16(width, shape);
  return level == CpuLevel::kAvx2 ? DirectFloatAvx2(width, shape) : DirectFloatAvx512(width, shape);
}

ConvAlgorithm ChooseScoring(CpuLevel level, at::ScalarType type, const ConvShape& shape) {
  if (type == at::kBFloat16 && HasAmx()) return kLibrary;
  // Each output is one sum of all inputs in float: of more, too many bits are lost.
  constexpr int64_t kMostInputs = 1024;
  if (IsPointwise(shape)) {
    const bool packed =
        shape.in <= kMostInputs && PixelProduct::Has(level, type, shape.in, shape.out);
    return packed ? kPacked : kLibrary;
  }
  const bool direct = IsDirect(level, type, shape) && shape.in / shape.groups <= 64;
  return direct ? kDirect : kLibrary;
}

}  // namespace torchgraft
