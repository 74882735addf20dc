#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// arena STEPS SEED: takes and frees blocks of an arena at random, and looks whether each keeps what
// was written into it. Prints what it saw as JSON.
void CheckArena(const std::vector<std::string>& arguments);

}  // namespace torchgraft
