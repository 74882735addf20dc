#include "torch/kernels/conv3x3_grouped/grouped_conv.h"

#if defined(__AVX2__)

#include "torch/kernels/conv3x3_grouped/register_rows.h"
#include "torch/kernels/conv3x3_grouped/weight_gradient.h"
#include "torch/kernels/conv3x3_grouped/workspace.h"
#include "torch/kernels/isa/lanes_avx2.h"

namespace torchgraft {

namespace {

void Unpack(const GroupedConv& conv, const float* sums, int64_t copies, const WeightSteps& steps,
            int64_t begin, int64_t end, float* dweight) {
  UnpackGradient(conv, sums, copies, steps, begin, end, dweight,
                 [](double sum) { return static_cast<float>(sum); });
}

}  // namespace

const GroupedConvKernel<float>* GroupedConvAvx2() {
  static constexpr GroupedConvKernel<float> kKernel{&kRegisterWorkspace,
                                                    PackWeights<FloatLanes8, float>,
                                                    Forward<FloatLanes8, float>,
                                                    DataGradient<FloatLanes8, float>,
                                                    WeightGradient<FloatLanes8, /*kInputs=*/4>,
                                                    Unpack};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const GroupedConvKernel<float>* GroupedConvAvx2() { return nullptr; }

}  // namespace torchgraft

#endif
