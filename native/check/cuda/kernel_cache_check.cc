#include "check/cuda/kernel_cache_check.h"

#include <cstdio>
#include <map>

#include "check/milliseconds.h"
#include "torch/cuda/driver/cuda_module.h"
#include "torch/cuda/driver/kernel_sources.h"
#include "torch/cuda/layers/layer_kernels.h"

namespace torchgraft {

namespace {

constexpr int kDevice = 0;
constexpr const char* kOne = "extern \"C\" __global__ void One() {}";
constexpr const char* kOther = "extern \"C\" __global__ void Other() {}";

// What making the module compiles, where the kernel is found in it.
std::vector<CompiledKernel> Make(const char* source, const char* kernel,
                                 const std::vector<CompiledKernel>& known) {
  KernelCache cache(known);
  const CudaModule module(kDevice, source, cache);
  module.Find(kernel);
  return cache.added();
}

}  // namespace

void CheckKernelCache(const std::vector<std::string>&) {
  const auto one = Make(kOne, "One", {});
  const auto other = Make(kOther, "Other", one);
  const auto& key = one.at(0).key;
  const auto refused = Make(kOne, "One", {{key, "not machine code"}});
  std::printf(
      "{\"key\":\"%s\",\"unknown\":%zu,\"known\":%zu,\"of another source\":%zu,"
      "\"taken as given\":%zu,\"refused\":%zu,\"the same again\":%s}\n",
      key.c_str(), one.size(), Make(kOne, "One", one).size(), other.size(),
      Make(kOne, "Other", {{key, other.at(0).code}}).size(), refused.size(),
      refused.at(0).key == key && refused.at(0).code == one.at(0).code ? "true" : "false");
}

void TimeKernels(const std::vector<std::string>&) {
  const std::map<std::string, std::string> sources = {{"render", kRenderKernelSource},
                                                      {"fp32", LayerKernelSource(at::kFloat)},
                                                      {"bf16", LayerKernelSource(at::kBFloat16)},
                                                      {"fp16", LayerKernelSource(at::kHalf)}};
  const char* separator = "{";
  for (const auto& [name, source] : sources) {
    KernelCache cache;
    const double compiling = Milliseconds([&] { CudaModule(kDevice, source.c_str(), cache); });
    const auto known = cache.added();
    KernelCache warm(known);
    const double loading = Milliseconds([&] { CudaModule(kDevice, source.c_str(), warm); });
    std::printf("%s\"%s\":{\"compiling\":%.1f,\"from the cache\":%.1f,\"bytes\":%zu}", separator,
                name.c_str(), compiling, loading, known.at(0).code.size());
    separator = ",";
  }
  std::printf("}\n");
}

}  // namespace torchgraft
