#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "torch/session/batch.h"

namespace torchgraft {

// Images of many sizes with plans of all kinds but those that snap.
Images MakeImages(uint32_t seed);

// render SEED: renders made images by plans of all kinds. Prints as JSON a number that the bytes
// decide, for each type of pixel, and whether the shorter types are the floats rounded.
void CheckRender(const std::vector<std::string>& arguments);

}  // namespace torchgraft
