#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// autocast: what autocast is within and after scopes of AutocastGuard, and that no stale copy of a
// weight is used. Prints it as JSON.
void CheckAutocast(const std::vector<std::string>& arguments);

}  // namespace torchgraft
