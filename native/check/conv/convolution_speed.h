#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// convolution-speed fp32|bf16 GROUP_WIDTH: GFLOP/s of one core's own time, ours against libtorch's
// in turn, forward / data gradient / weight gradient. By hand: for the rules in
// torch/convolution_choice.cc.
void TimeConvolutions(const std::vector<std::string>& arguments);

}  // namespace torchgraft
