#include "check/scoring/folded_speed.h"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/InferenceMode.h>

#include <cstdio>
#include <memory>

#include "check/milliseconds.h"
#include "check/scoring/net.h"
#include "torch/cuda/driver/kernel_cache.h"
#include "torch/cuda/layers/layer_kernels.h"
#include "torch/models/inference/device_layers.h"
#include "torch/models/inference/folded_model.h"

namespace torchgraft {

void TimeFolded(const std::vector<std::string>& arguments) {
  const c10::InferenceMode inference;
  const at::Device device(arguments.at(0));
  const auto& precision = arguments.at(1);
  const auto type = precision == "bf16"   ? at::kBFloat16
                    : precision == "fp16" ? at::kHalf
                                          : at::kFloat;
  Net net(arguments.at(2), device);
  const auto images =
      net.Images(std::stol(arguments.at(3)), std::stol(arguments.at(4))).to(device, type);
  KernelCache cache;
  const auto kernels =
      device.is_cuda() ? std::make_shared<const LayerKernels>(device, type, cache) : nullptr;
  DeviceLayers layers(type, kernels, CudnnOperators());
  const FoldedModel folded(GraphOf(*net.model), net.state, layers);
  const auto finish = [&] {
    if (device.is_cuda()) at::accelerator::synchronizeDevice(device.index());
  };
  for (int pass = 0; pass < 3; ++pass) folded.Logits(images);
  finish();
  const auto taken = Milliseconds([&] {
    folded.Logits(images);
    finish();
  });
  std::printf("%.3f ms\n", taken);
  for (const auto& [name, conv] : layers.convs())
    for (const bool fused : conv->fused())
      std::printf("%s: %s\n", name.c_str(), fused ? "fused" : "two passes");
}

}  // namespace torchgraft
