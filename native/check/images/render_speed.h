#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// render-speed [DEVICE]: prints as JSON the milliseconds that a batch takes to be rendered, by
// plans that crop and by plans like the notebook's, to bfloat16 in channels_last: on a device by
// its parts and by libtorch's operations.
void TimeRender(const std::vector<std::string>& arguments);

}  // namespace torchgraft
