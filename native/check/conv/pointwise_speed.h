#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// pointwise-speed fp32|bf16 THREADS: GFLOP/s of 1×1 convolutions: forward, data gradient and weight
// gradient, each by our loops (0 where there are none), as libtorch's product and by oneDNN's
// convolution, in turn. By hand: for the rules in torch/convolution_choice.cc.
void TimePointwise(const std::vector<std::string>& arguments);

}  // namespace torchgraft
