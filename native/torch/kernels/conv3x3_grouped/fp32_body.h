#pragma once

// The kernel kGroupedConvFp32.

#include "torch/kernels/conv3x3_grouped/register_rows.h"
#include "torch/kernels/conv3x3_grouped/weight_gradient.h"
#include "torch/kernels/conv3x3_grouped/workspace.h"
#include "torch/kernels/isa/lanes_avx2.h"

namespace torchgraft {

namespace {

void Unpack(const GroupedConv& conv, const SumsToUnpack<float>& sums) {
  UnpackGradient(conv, sums, [](double sum) { return static_cast<float>(sum); });
}

constexpr GroupedConvKernel<float> kKernel{&kRegisterWorkspace,
                                           PackWeights<FloatLanes8, float>,
                                           Forward<FloatLanes8, float>,
                                           DataGradient<FloatLanes8, float>,
                                           WeightGradient<FloatLanes8, /*kInputs=*/4>,
                                           Unpack};

}  // namespace

}  // namespace torchgraft
