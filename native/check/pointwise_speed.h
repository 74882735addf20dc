#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// pointwise-speed fp32|bf16 THREADS: GFLOP/s of 1×1 convolutions, forward, data gradient and weight
// a product and by libtorch's convolution, in turn. By hand: for the rules in
// torch/convolution_choice.cc.
void TimePointwise(const std::vector<std::string>& arguments);

}  // namespace torchgraft
