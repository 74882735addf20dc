#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// convolutions: our convolutions of many shapes against libtorch's in double, beside how far
// libtorch's own in the same type are from it; as JSON. A row's name says by which algorithm.
void CheckConvolutions(const std::vector<std::string>& arguments);

}  // namespace torchgraft
