#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// folded-speed cpu|cuda:0 fp32|bf16|fp16 MODEL N SIZE: milliseconds of a batch of N by a GPU's
// folded layers, operation by operation, and the convolutions whose fused operator was tried, each
// with whether it is taken. On the CPU it tries itself.
void TimeFolded(const std::vector<std::string>& arguments);

}  // namespace torchgraft
