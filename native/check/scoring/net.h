#pragma once

#include <ATen/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "torch/models/model.h"

namespace torchgraft {

// A model in evaluation mode, layer by layer, with drawn weights.
struct Net {
  static constexpr int64_t kClasses = 10;

  explicit Net(const std::string& name, at::Device device = at::kCPU);

  // Changes its state in place, as training does: each norm has statistics, scales and shifts of
  // its own.
  void Train();

  // [count, 3, size, size], channels_last, float, on the CPU
  at::Tensor Images(int64_t count, int64_t size);

  at::Generator generator;
  std::shared_ptr<Model> model;
  std::map<std::string, at::Tensor> state;
};

// Of the largest expected number.
double Distance(const at::Tensor& found, const at::Tensor& expected);

}  // namespace torchgraft
