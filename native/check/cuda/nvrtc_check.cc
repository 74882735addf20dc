#include "check/cuda/nvrtc_check.h"

#include <cstdio>
#include <stdexcept>
#include <utility>

#include "check/cuda/cubin_usage.h"
#include "torch/cuda/driver/kernel_sources.h"
#include "torch/cuda/driver/nvrtc.h"
#include "torch/cuda/layers/layer_kernels.h"

namespace torchgraft {

namespace {

void Print(const std::string& code) {
  if (code.compare(1, 3, "ELF") != 0) {
    std::printf("%zu", code.size());
    return;
  }
  const char* before = "{";
  for (const auto& [name, usage] : UsageOf(code)) {
    std::printf("%s\"%s\":[%u,%u]", before, name.c_str(), usage.registers, usage.stack_bytes);
    before = ",";
  }
  std::printf("}");
}

}  // namespace

void CheckNvrtc(const std::vector<std::string>& arguments) {
  const std::vector<std::pair<const char*, std::string>> sources = {
      {"render", kRenderKernelSource},
      {"fp32", LayerKernelSource(at::kFloat)},
      {"bf16", LayerKernelSource(at::kBFloat16)},
      {"fp16", LayerKernelSource(at::kHalf)},
  };
  try {
    const Nvrtc nvrtc;
    const char* separator = "{";
    for (const auto& capability : arguments) {
      std::printf("%s\"%s\":", separator, capability.c_str());
      separator = ",";
      const char* before = "{";
      for (const auto& [name, source] : sources) {
        std::printf("%s\"%s\":", before, name);
        before = ",";
        Print(nvrtc.Compile(source.c_str(), std::stoi(capability)));
      }
      std::printf("}");
    }
    std::printf("}\n");
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(std::string("NVRTC: ") + error.what());
  }
}

}  // namespace torchgraft
