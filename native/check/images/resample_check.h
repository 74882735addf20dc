#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// resample SEED: renders made images by plans that snap, at each level that this processor has and
// in each type of pixel. Prints as JSON how many rendered numbers of each level are not what one
// pixel after another gives, and how many there were. Ends by a signal where bytes beyond an image
// are read.
void CheckResample(const std::vector<std::string>& arguments);

}  // namespace torchgraft
