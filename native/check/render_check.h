#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// render SEED: renders made pictures by plans of all kinds. Prints as JSON a number that the bytes
// decide, for each type of pixel, and whether the shorter types are the floats rounded.
void CheckRender(const std::vector<std::string>& arguments);

}  // namespace torchgraft
