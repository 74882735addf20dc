#pragma once

// The kernel kGroupedConvBf16: by AMX's tiles, else by dot products of pairs in registers.

#if defined(__AMX_BF16__)

#include "torch/kernels/conv3x3_grouped/tiles/tile_kernel.h"

#else

#include "torch/kernels/conv3x3_grouped/pair_gradient.h"
#include "torch/kernels/conv3x3_grouped/register_rows.h"
#include "torch/kernels/conv3x3_grouped/workspace.h"
#include "torch/kernels/isa/lanes_avx512_bf16.h"

namespace torchgraft {

namespace {

// Two pixels' slabs, channel beside channel.
void InterleaveSlabs(const uint16_t* a, const uint16_t* b, uint16_t* to) {
  const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
  const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
  auto* const out = reinterpret_cast<__m128i*>(to);
  _mm_storeu_si128(out, _mm_unpacklo_epi16(first, second));
  _mm_storeu_si128(out + 1, _mm_unpackhi_epi16(first, second));
}

// Whether groups fill vectors of 16 outputs.
bool IsWide(const GroupedConv& conv) { return conv.group_width % PairLanes16::kLanes == 0; }

void Pack(const GroupedConv& conv, const WeightsToPack<uint16_t>& weights) {
  IsWide(conv) ? PackWeights<PairLanes16>(conv, weights) : PackWeights<PairLanes8>(conv, weights);
}

void ForwardOf(const GroupedConv& conv, const ConvRows<uint16_t>& rows) {
  IsWide(conv) ? Forward<PairLanes16>(conv, rows) : Forward<PairLanes8>(conv, rows);
}

void DataGradientOf(const GroupedConv& conv, const ConvRows<uint16_t>& rows) {
  IsWide(conv) ? DataGradient<PairLanes16>(conv, rows) : DataGradient<PairLanes8>(conv, rows);
}

void WeightGradientOf(const GroupedConv& conv, const GradientRows<uint16_t>& rows) {
  PairGradient<PairLanes8>(conv, rows, InterleaveSlabs);
}

void Unpack(const GroupedConv& conv, const SumsToUnpack<uint16_t>& sums) {
  UnpackGradient(conv, sums, [](double sum) {
    const __m128i rounded = RoundToBf16(_mm256_set1_ps(static_cast<float>(sum)));
    return static_cast<uint16_t>(_mm_extract_epi16(rounded, 0));
  });
}

constexpr GroupedConvKernel<uint16_t> kKernel{&kRegisterWorkspace, Pack,  ForwardOf, DataGradientOf,
                                              WeightGradientOf,    Unpack};

}  // namespace

}  // namespace torchgraft

#endif
