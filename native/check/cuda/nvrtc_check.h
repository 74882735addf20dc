#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// nvrtc CAPABILITY...: compiles all kernels for devices that need not be there. Prints, for each
// capability, what a thread of each kernel takes, as {"90": {"bf16": {"NormApply": [registers,
// bytes of stack]}}}, or the bytes of PTX where NVRTC does not know the device. Says why where
// NVRTC cannot be had.
void CheckNvrtc(const std::vector<std::string>& arguments);

}  // namespace torchgraft
