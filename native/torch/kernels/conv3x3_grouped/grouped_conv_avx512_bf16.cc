#include "torch/kernels/conv3x3_grouped/grouped_conv.h"

#if defined(__AVX512BF16__)

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

bool Wide(const GroupedConv& conv) { return conv.group_width % PairLanes16::kLanes == 0; }

void Pack(const GroupedConv& conv, const uint16_t* weight, const WeightSteps& steps,
          bool for_gradient, int64_t begin, int64_t end, uint16_t* packed) {
  if (Wide(conv))
    PackWeights<PairLanes16>(conv, weight, steps, for_gradient, begin, end, packed);
  else
    PackWeights<PairLanes8>(conv, weight, steps, for_gradient, begin, end, packed);
}

void ForwardOf(const GroupedConv& conv, const uint16_t* x, const uint16_t* packed, int64_t begin,
               int64_t end, uint16_t* scratch, uint16_t* y) {
  if (Wide(conv))
    Forward<PairLanes16>(conv, x, packed, begin, end, scratch, y);
  else
    Forward<PairLanes8>(conv, x, packed, begin, end, scratch, y);
}

void DataGradientOf(const GroupedConv& conv, const uint16_t* dy, const uint16_t* packed,
                    int64_t begin, int64_t end, uint16_t* scratch, uint16_t* dx) {
  if (Wide(conv))
    DataGradient<PairLanes16>(conv, dy, packed, begin, end, scratch, dx);
  else
    DataGradient<PairLanes8>(conv, dy, packed, begin, end, scratch, dx);
}

void WeightGradientOf(const GroupedConv& conv, const uint16_t* x, const uint16_t* dy, int64_t begin,
                      int64_t end, uint16_t* scratch, float* sums) {
  PairGradient<PairLanes8>(conv, x, dy, begin, end, scratch, sums, InterleaveSlabs);
}

void Unpack(const GroupedConv& conv, const float* sums, int64_t copies, const WeightSteps& steps,
            int64_t begin, int64_t end, uint16_t* dweight) {
  UnpackGradient(conv, sums, copies, steps, begin, end, dweight, [](double sum) {
    const __m128i rounded = RoundToBf16(_mm256_set1_ps(static_cast<float>(sum)));
    return static_cast<uint16_t>(_mm_extract_epi16(rounded, 0));
  });
}

}  // namespace

const GroupedConvKernel<uint16_t>* GroupedConvAvx512Bf16() {
  static constexpr GroupedConvKernel<uint16_t> kKernel{
      &kRegisterWorkspace, Pack, ForwardOf, DataGradientOf, WeightGradientOf, Unpack};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const GroupedConvKernel<uint16_t>* GroupedConvAvx512Bf16() { return nullptr; }

}  // namespace torchgraft

#endif
