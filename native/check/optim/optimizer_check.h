#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// adam adam|adamw STEPS: steps of the optimizer under a gradient scaler, some with gradients that
// are not finite. Prints parameters and state as JSON.
void CheckAdam(const std::vector<std::string>& arguments);

// scaler INIT GROWTH BACKOFF INTERVAL SCRIPT: a step for each letter of the script, f with finite
// gradients, i with one that is not. Prints scale, growth tracker and steps taken, as JSON.
void CheckScaler(const std::vector<std::string>& arguments);

// actions ACTION...: unscale, step and update in this order. Prints the error's message, or null.
void CheckActions(const std::vector<std::string>& actions);

}  // namespace torchgraft
