#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// convolution-speed fp32|bf16 GROUP_WIDTH...: GFLOP/s of 3×3 convolutions in groups on one core, at
// batch 32: of each pass, by our kernels and by oneDNN. By hand: as CSV for
// torch/kernels/conv3x3_grouped/tuning.csv, which the rules in torch/ops/conv/conv_rules.h rest on.
void TimeConvolutions(const std::vector<std::string>& arguments);

}  // namespace torchgraft
