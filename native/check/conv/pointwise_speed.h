#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// pointwise-speed fp32|bf16 THREADS [warm|cold [IN OUT SIDE STRIDE]]: GFLOP/s of 1×1 convolutions
// at batch 32: of each pass, by our kernels (nothing where there are none), as libtorch's matrix
// product and by oneDNN; where `cold`, with caches emptied before each. By hand: as CSV for
// torch/kernels/conv1x1/tuning.csv, which the rules in torch/ops/conv/conv_rules.h rest on.
void TimePointwise(const std::vector<std::string>& arguments);

}  // namespace torchgraft
