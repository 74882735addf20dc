#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// pointwise-speed THREADS: GFLOP/s of 1×1 convolutions' weight gradients in fp32, by our loops, as
// a product and by libtorch's convolution, in turn. By hand: for the rules in
// torch/convolution_choice.cc.
void TimePointwise(const std::vector<std::string>& arguments);

}  // namespace torchgraft
