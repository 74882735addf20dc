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

}  // namespace torchgraft
