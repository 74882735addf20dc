#include "torch/ops/conv/conv_algorithm.h"

#include <algorithm>
#include <iterator>

#include "torch/ops/conv/conv_rules.h"
#include "torch/ops/conv/grouped_conv.h"
#include "torch/ops/conv/packed_gemm.h"
#include "torch/ops/conv/pointwise_weight_grad.h"

namespace torchgraft {

namespace {

// A 3×3 in groups that our kernels take.
bool IsGrouped(CpuLevel level, at::ScalarType type, const ConvShape& shape) {
  const int64_t width = shape.in / shape.groups;
  return shape.padding == 1 && shape.groups > 1 &&
         HasGroupedConv(level, type, {shape.out, width, shape.kernel, shape.kernel}, shape.groups,
                        shape.stride);
}

bool IsPointwise(const ConvShape& shape) {
  return shape.kernel == 1 && shape.padding == 0 && shape.groups == 1;
}

Platform PlatformOf(CpuLevel level, at::ScalarType type) {
  if (type == at::kFloat)
    return level == CpuLevel::kAvx2 ? Platform::kFp32Avx2 : Platform::kFp32Avx512;
  if (level == CpuLevel::kAmx) return Platform::kBf16Amx;
  return HasAmx() ? Platform::kBf16LibraryAmx : Platform::kBf16Avx512;
}

bool FitsStride(int rule, int64_t stride) { return rule == kAnyStride || rule == stride; }

template <typename Rule, size_t kCount, typename Predicate>
ConvChoice FirstOf(const Rule (&rules)[kCount], const Predicate& fits) {
  const auto* const rule = std::find_if(std::begin(rules), std::end(rules), fits);
  return rule == std::end(rules) ? ConvChoice{} : rule->choice;
}

ConvChoice ChooseGrouped(Platform platform, const ConvShape& shape) {
  const int64_t width = shape.in / shape.groups;
  return FirstOf(rules::kGrouped, [&](const GroupedRule& rule) {
    return rule.platform == platform && FitsStride(rule.stride, shape.stride) &&
           width % rule.multiple == 0 && width >= rule.min_width && width <= rule.max_width &&
           shape.width >= rule.min_px;
  });
}

ConvChoice ChoosePointwise(CpuLevel level, at::ScalarType type, const ConvShape& shape) {
  const bool packs = PackedGemm::Has(level, type, shape.in, shape.out);
  const bool packs_weights = HasPointwiseGradient(level, type, shape.in, shape.out);
  Platform platform = PlatformOf(level, type);
  if (platform == Platform::kBf16Amx && !packs_weights)
    platform = HasAmx() ? Platform::kBf16LibraryAmx : Platform::kBf16Avx512;
  ConvChoice choice = FirstOf(rules::kPointwise, [&](const PointwiseRule& rule) {
    return rule.platform == platform && FitsStride(rule.stride, shape.stride) &&
           shape.in >= rule.min_in && shape.in <= rule.max_in && shape.out <= rule.max_out &&
           shape.in * shape.out <= rule.max_weights && shape.width <= rule.max_px;
  });
  // Kernels take multiples of 8 channels alone.
  const auto unpack = [](ConvAlgorithm& algorithm, bool has) {
    if (algorithm == ConvAlgorithm::kPacked && !has) algorithm = ConvAlgorithm::kLibrary;
  };
  unpack(choice.forward, packs);
  unpack(choice.data_gradient, packs);
  unpack(choice.weight_gradient, packs_weights);
  return choice;
}

}  // namespace

bool ConvChoice::AllLibrary() const {
  return forward == ConvAlgorithm::kLibrary && data_gradient == ConvAlgorithm::kLibrary &&
         weight_gradient == ConvAlgorithm::kLibrary;
}

ConvChoice ChooseConv(CpuLevel level, at::ScalarType type, const ConvShape& shape) {
  const bool bf16 = type == at::kBFloat16 && level >= CpuLevel::kAvx512Bf16;
  const bool fp32 = type == at::kFloat && level >= CpuLevel::kAvx2;
  if (!bf16 && !fp32) return {};
  if (IsPointwise(shape)) return ChoosePointwise(level, type, shape);
  if (!IsGrouped(level, type, shape)) return {};
  return ChooseGrouped(PlatformOf(level, type), shape);
}

ConvAlgorithm ChooseScoring(CpuLevel level, at::ScalarType type, const ConvShape& shape) {
  const int64_t width = shape.in / shape.groups;
  if (type == at::kBFloat16 && HasAmx()) {
    // Widths that rules::kGrouped takes at all sizes of images.
    const bool tiles = level == CpuLevel::kAmx && IsGrouped(level, type, shape);
    return tiles && width <= (shape.stride == 1 ? 24 : 48) ? ConvAlgorithm::kDirect
                                                           : ConvAlgorithm::kLibrary;
  }
  // Each output is one sum of all inputs in float: of more, too many bits are lost.
  constexpr int64_t kMostInputs = 1024;
  if (IsPointwise(shape)) {
    const bool packs = shape.in <= kMostInputs && PackedGemm::Has(level, type, shape.in, shape.out);
    return packs ? ConvAlgorithm::kPacked : ConvAlgorithm::kLibrary;
  }
  const bool direct = IsGrouped(level, type, shape) && width <= 64;
  return direct ? ConvAlgorithm::kDirect : ConvAlgorithm::kLibrary;
}

}  // namespace torchgraft
