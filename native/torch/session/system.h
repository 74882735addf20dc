#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace torchgraft {

struct System {
  std::string libtorch_version;  // that this was compiled against
  std::vector<std::string> cuda_devices;
  bool multiplies_bf16;  // the processor has AMX-BF16 or AVX512-BF16
  std::vector<std::string> processor_features;
  int64_t threads;
};

System DescribeSystem();

// Whether a CUDA device multiplies bf16 itself, as those since Ampere do. Takes the device into
// use.
bool CudaMultipliesBf16(const std::string& device);

// Takes a device into use before it is needed: makes its context and opens the libraries that
// multiply on it, which takes some tenths of a second. On the engine thread.
void WarmUp(const std::string& device);

}  // namespace torchgraft
