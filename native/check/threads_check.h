#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// threads THREADS COUNT GRAIN: on how many threads rows are computed, how they are split, that what
// is shared out within a part stays on its thread, and that an error comes back.
void CheckThreads(const std::vector<std::string>& arguments);

}  // namespace torchgraft
