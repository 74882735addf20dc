#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

namespace torchgraft {

// The processor's name, as /proc/cpuinfo has it, with its family and model, which tell the
// generation where a virtual machine hides the rest. Without commas.
std::string ProcessorName();

// The fewest milliseconds that each of some works takes, of several times in turn; 0 of one that is
// empty. `before` runs before each, unmeasured.
std::vector<double> FewestMilliseconds(const std::vector<std::function<void()>>& works, int times,
                                       const std::function<void()>& before);

// fp32 or bf16.
const char* TypeName(at::ScalarType type);

constexpr const char* kPasses[] = {"forward", "data_gradient", "weight_gradient"};

}  // namespace torchgraft
