#include "torch/session/system.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/cpu/Utils.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/StreamGuard.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <optional>

#include "torch/cuda/graphs/device_stream.h"
#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

namespace {

std::vector<std::string> CudaDevices() {
  std::vector<std::string> devices;
  if (!at::hasCUDA()) return devices;
  const auto count = at::globalContext().getAcceleratorHooksInterface(at::kCUDA).deviceCount();
  for (int i = 0; i < count; ++i) devices.push_back("cuda:" + std::to_string(i));
  return devices;
}

// What decides speed, by the names of libtorch's get_cpu_capabilities().
constexpr const char* kTellingFeatures[] = {"avx2",     "fma3", "avx512_f", "avx512_bf16",
                                            "amx_bf16", "neon", "sve",      "bf16"};

// Whether ATEN_CPU_CAPABILITY keeps kernels from a feature that the processor has.
bool IsHeldFrom(const std::string& feature) {
  const bool wide = feature.rfind("avx512", 0) == 0 || feature.rfind("amx", 0) == 0;
  return wide && BestCpuLevel() < CpuLevel::kAvx512;
}

std::vector<std::string> ProcessorFeatures() {
  const auto capabilities = at::cpu::get_cpu_capabilities();
  std::vector<std::string> features;
  for (const auto* name : kTellingFeatures) {
    const auto found = capabilities.find(name);
    const bool has =
        found != capabilities.end() && found->second.isBool() && found->second.toBool();
    if (has && !IsHeldFrom(name)) features.emplace_back(name);
  }
  return features;
}

// Asked first when the addon is loaded, before any session sets another number.
int64_t DefaultThreads() {
  static const int64_t threads = at::get_num_threads();
  return threads;
}

bool Has(const std::vector<std::string>& features, const char* name) {
  return std::find(features.begin(), features.end(), name) != features.end();
}

}  // namespace

System DescribeSystem() {
  const auto features = ProcessorFeatures();
  return {
      .libtorch_version = std::to_string(TORCH_VERSION_MAJOR) + "." +
                          std::to_string(TORCH_VERSION_MINOR) + "." +
                          std::to_string(TORCH_VERSION_PATCH),
      .cuda_devices = CudaDevices(),
      .multiplies_bf16 = Has(features, "avx512_bf16") || Has(features, "amx_bf16"),
      .processor_features = features,
      .threads = DefaultThreads(),
  };
}

bool CudaMultipliesBf16(const std::string& device) {
  const c10::DeviceGuard guard{at::Device(device)};
  return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
}

void WarmUp(const std::string& name) {
  const at::Device device(name);
  const c10::DeviceGuard guard(device);
  std::optional<c10::StreamGuard> on_stream;
  if (const auto stream = DeviceStream(device)) on_stream.emplace(*stream);
  const auto options = at::device(device).dtype(at::kFloat);
  const auto weight = at::ones({8, 8, 1, 1}, options);
  const auto pixels = at::conv2d(at::ones({1, 8, 8, 8}, options), weight);
  at::matmul(pixels.view({8, 64}), pixels.view({64, 8}));
}

}  // namespace torchgraft
