#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// render-kernel SEED [DEVICE]: renders made images by plans of all kinds with the kernel's
// source, compiled as C++, or on a device with the kernel itself. Prints as JSON how many numbers
// were compared with what the CPU's kernels give, and how many differ in a bit, for each type and
// layout.
void CheckRenderKernel(const std::vector<std::string>& arguments);

}  // namespace torchgraft
