#include "torch/ops/conv/conv_algorithm.h"

#include <ATen/cpu/Utils.h>

#include "torch/ops/conv/grouped_conv.h"
#include "torch/ops/conv/packed_gemm.h"
#include "torch/ops/conv/pointwise_weight_grad.h"

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

// By tiles, of one core of a Xeon that has them and where oneDNN uses them too. Of 8 with stride 1
// at 112 px 289/277/264 against 169/152/72, at 28 px 413/453/441 against 226/175/149, at 7 px
// 324/356/321 against 207/160/62, with stride 2 at 112 px 179/124/143 against 100/51/37, at 28 px
// 212/166/179 against 88/53/56; of 16 at 14 px 716/729/589 against 552/554/344; of 24 at 28 px
// 805/816/670 against 618/626/377, at 7 px 540/578/549 against 559/584/168; of 40 at 28 px
// 946/933/810 against 779/830/573; of 48 1113/1100/1045 against 1077/1065/760; but of 32
// 1056/1095/948 against 1257/1285/705, of 56 996/981/906 against 1171/1209/751, of 112
// 1112/1095/1627 against 1350/1382/1002. With stride 2 data gradients are faster at nearly all
// widths, and outputs up to 48 or of few pixels: of 48 at 56 px 753/532/689 against 582/288/437, of
// 112 906/706/1002 against 890/505/637, at 14 px 757/569/771 against 554/357/211.
ConvChoice DirectBf16Amx(int64_t group_width, const ConvShape& shape) {
  const bool long_rows = shape.width >= 28;
  const bool narrow = group_width <= 24 || (group_width != 32 && group_width <= 48 && long_rows);
  const bool forward = shape.stride == 1 ? narrow : group_width <= 48 || !long_rows;
  const bool data = shape.stride == 1 ? narrow : true;
  const bool weights = group_width <= 128;  // each thread has sums of its own
  return {forward ? kDirect : kLibrary, data ? kDirect : kLibrary, weights ? kDirect : kLibrary};
}

// Own against libtorch's product and oneDNN's convolution, GFLOP/s of two cores (engine_check
// pointwise-speed), forward and data gradient. With AVX2 of 48 to 104 channels at 56 px 204, 118,
// 155 and 190, 119, 159, of 104 at 28 px 202, 150, 184 and 201, 158, 195, of 440 at 7 px 193, 189,
// 185 and 192, 192, 186; of 912 197, 181, 210 and 211, 181, 211; with AVX-512 of 104 163, 123, 138
// and 142, 121, 141, of 208 207, 178, 198 and 204, 178, 195. With stride 2 of 48 to 104 118, 105,
// 98 and 138, 113, 68, of 208 to 440 198, 182, 183 and 190, 176, 142.
constexpr int64_t kMostPacked = 512;

// Weight gradients, with AVX2 of 48 to 104 at 56 px 156, 92, 113, of 208 at 14 px 181, 161, 64, of
// 440 at 7 px 184, 175, 166, of 32 to 48 at 112 px 117, 64, 128; by the same loops where the rest
// has AVX-512 104 to 208 at 28 px 192, 153, 146, of 72 at 56 px 167, 109, 178, with stride 2 of 208
// to 440 158, 167, 124.
ConvAlgorithm PointwiseWeightsFloat(CpuLevel level, const ConvShape& shape) {
  const int64_t least = level == CpuLevel::kAvx2 || shape.stride == 2 ? 48 : 104;
  const bool has = HasPointwiseGradient(level, at::kFloat, shape.in, shape.out);
  return has && shape.in >= least ? kPacked : kLibrary;
}

ConvChoice PointwiseFloat(CpuLevel level, const ConvShape& shape) {
  const bool packed = (shape.in <= kMostPacked || shape.stride == 2) &&
                      PackedGemm::Has(level, at::kFloat, shape.in, shape.out);
  const auto outputs = packed ? kPacked : kLibrary;
  return {outputs, outputs, PointwiseWeightsFloat(level, shape)};
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

// By tiles, likewise, of one core of a Xeon with AMX, where none of it lay in a cache before, as in
// a training step. Forward, of 32 to 48 channels at 112 px 250, 191, 184, of 48 to 104 at 56 px
// 351, 244, 276, of 104 at 28 px 494, 381, 371, of 440 at 7 px 895, 774, 536, but of 448 at 28 px
// 1303, 1465, 1079, of 912 at 7 px 934, 1097, 652. Data gradients of 48 to 104 at 56 px 400, 357,
// 334, of 208 at 14 px 806, 702, 554, of 440 at 7 px 909, 830, 528, but of 168 to 408 at 28 px 875,
// 946, 699. With stride 2 of 48 to 104 204, 123, 160 and 163, 95, 96, of 408 to 912 894, 784, 668
// and 638, 505, 263, but of 1232 to 3024 671, 790, 574 and 607, 943, 324. Weight gradients of 32 to
// 48 at 112 px 212, 150, 149, of 104 at 28 px 379, 249, 263, of 440 at 7 px 668, 386, 306, of 1232
// at 14 px 866, 559, 702, with stride 2 of 208 to 440 501, 226, 151.
ConvChoice PointwiseTiles(const ConvShape& shape) {
  const int64_t weights = shape.in * shape.out;
  const bool stays_in_cache = weights <= (shape.stride == 1 ? 440 * 440 : 408 * 912);
  const bool short_sums = shape.stride == 2 || shape.out < 400 || shape.width <= 7;
  return {stays_in_cache ? kPacked : kProduct, stays_in_cache && short_sums ? kPacked : kProduct,
          kPacked};
}

// In bf16 oneDNN's own is the fastest, or near it: of 104 channels at 28 px 354, 339, 372 and 359,
// 339, 358, of 208 at 14 px 409, 369, 396 and 379, 393, 402. But with stride 2, of 32 to 48 at 112
// px 166, 210, 185 and 173, 184, 94, of 104 to 208 at 28 px 326, 342, 262 and 288, 273, 160; and
// for weight gradients of many channels at few pixels, of 440 at 7 px 342 against 300, of 3024 381
// against 227, where of 408 at 14 px it is 330 against 363. On AMX, where our own have no tiles,
// libtorch's products win with stride 1 from 104 channels on.
ConvChoice PointwiseBf16(CpuLevel level, const ConvShape& shape) {
  if (HasPointwiseGradient(level, at::kBFloat16, shape.in, shape.out)) return PointwiseTiles(shape);
  if (HasAmx()) {
    const auto outputs = shape.stride == 1 && shape.in >= 104 ? kProduct : kLibrary;
    return {outputs, outputs, kLibrary};
  }
  const auto outputs = shape.stride == 2 ? kProduct : kLibrary;
  const bool few_pixels = shape.in >= 408 && shape.width <= 7;
  return {outputs, outputs, few_pixels ? kProduct : kLibrary};
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
  const bool bf16 = type == at::kBFloat16 && level >= CpuLevel::kAvx512Bf16;
  const bool fp32 = type == at::kFloat && level >= CpuLevel::kAvx2;
  if (!bf16 && !fp32) return {};
  if (IsPointwise(shape)) return bf16 ? PointwiseBf16(level, shape) : PointwiseFloat(level, shape);
  if (!IsDirect(level, type, shape)) return {};
  const int64_t width = shape.in / shape.groups;
  if (bf16 && level == CpuLevel::kAmx) return DirectBf16Amx(width, shape);
  if (bf16) return HasAmx() ? ConvChoice{} : DirectBf16(width, shape);
  return level == CpuLevel::kAvx2 ? DirectFloatAvx2(width, shape) : DirectFloatAvx512(width, shape);
}

ConvAlgorithm ChooseScoring(CpuLevel level, at::ScalarType type, const ConvShape& shape) {
  const int64_t width = shape.in / shape.groups;
  if (type == at::kBFloat16 && HasAmx()) {
    // Groups that DirectBf16Amx takes at all sizes: one choice serves images of any.
    const bool tiles = level == CpuLevel::kAmx && IsDirect(level, type, shape);
    return tiles && width <= (shape.stride == 1 ? 24 : 48) ? kDirect : kLibrary;
  }
  // Each output is one sum of all inputs in float: of more, too many bits are lost.
  constexpr int64_t kMostInputs = 1024;
  if (IsPointwise(shape)) {
    const bool packed =
        shape.in <= kMostInputs && PackedGemm::Has(level, type, shape.in, shape.out);
    return packed ? kPacked : kLibrary;
  }
  const bool direct = IsDirect(level, type, shape) && width <= 64;
  return direct ? kDirect : kLibrary;
}

}  // namespace torchgraft
