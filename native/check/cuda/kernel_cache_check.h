#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// kernel-cache: makes modules on the first CUDA device, which may be stand_in_driver.cc's, with a
// cache that knows nothing, the code, another code by the same key, or what no driver takes. Prints
// as JSON, for each, how many kernels were compiled; and the key.
void CheckKernelCache(const std::vector<std::string>& arguments);

// kernel-speed: prints as JSON the milliseconds that making each of the addon's modules takes, by
// compiling and from the cache.
void TimeKernels(const std::vector<std::string>& arguments);

}  // namespace torchgraft
