#include "check/scoring/folding_check.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <set>

#include "check/scoring/net.h"
#include "torch/models/inference/device_layers.h"
#include "torch/models/inference/folded_model.h"

namespace torchgraft {

namespace {

// Stand-ins for cuDNN's operators, which tell where the weights lie that they are given.
FusedConvOperators Watched(std::set<const void*>& addresses) {
  const auto conv = [&](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        const ConvGeometry& geometry) {
    addresses.insert({weight.const_data_ptr(), bias.const_data_ptr()});
    return at::conv2d(x, weight, bias, geometry.stride, geometry.padding, 1, geometry.groups);
  };
  return {.relu = [=](const auto& x, const auto& weight, const auto& bias,
                      const auto& geometry) { return conv(x, weight, bias, geometry).relu_(); },
          .add_relu =
              [=](const auto& x, const auto& weight, const auto& residual, const auto& bias,
                  const auto& geometry) {
                return conv(x, weight, bias, geometry).add_(residual).relu_();
              }};
}

}  // namespace

void CheckFolding(const std::vector<std::string>& arguments) {
  const auto type = arguments.at(0) == "bf16" ? at::kBFloat16 : at::kFloat;
  const char* before = "{";
  for (size_t i = 1; i < arguments.size(); ++i) {
    const c10::InferenceMode inference;
    Net net(arguments[i]);
    const auto images = net.Images(3, 64);
    std::set<const void*> addresses;
    DeviceLayers layers(type, nullptr, Watched(addresses));
    std::vector<double> distances;
    std::vector<std::set<const void*>> seen;
    for (int state = 0; state < 2; ++state) {
      net.Train();
      const FoldedModel folded(GraphOf(*net.model), net.state, layers);
      const auto expected = net.model->Forward(images);
      for (int pass = 0; pass < 2; ++pass)
        distances.push_back(Distance(folded.Logits(images.to(type)), expected));
      seen.push_back(addresses);
      addresses.clear();
    }
    std::printf("%s\"%s\":{\"distances\":[%g,%g,%g,%g],\"addresses\":%zu,\"kept\":%s}", before,
                arguments[i].c_str(), distances[0], distances[1], distances[2], distances[3],
                seen[0].size(), seen[0] == seen[1] ? "true" : "false");
    before = ",";
  }
  std::printf("}\n");
}

namespace {

using Operator = std::function<at::Tensor(const at::Tensor& expected)>;

struct StandIn {
  const char* name;
  Operator come;  // from the right result to what the operator gives
};

const StandIn kStandIns[] = {
    {"right", [](const at::Tensor& y) { return y; }},
    {"absent", nullptr},
    {"none", [](const at::Tensor&) -> at::Tensor { TORCH_CHECK(false, "no engine"); }},
    {"wrong", [](const at::Tensor& y) { return y * 1.5; }},
    {"reads-output",
     [](const at::Tensor& y) {
       return y + at::full_like(y, std::numeric_limits<float>::quiet_NaN()) * 0;
     }},
};

}  // namespace

void CheckFusedChoice(const std::vector<std::string>&) {
  const c10::InferenceMode inference;
  const auto generator = at::detail::createCPUGenerator(/*seed=*/6);
  const auto normal = [&](at::IntArrayRef size) { return at::randn(size, generator, at::kFloat); };
  const ConvGeometry geometry{.stride = 1, .padding = 1, .groups = 1};
  const char* before = "{";
  for (const auto& [name, come] : kStandIns) {
    const auto weight = normal({8, 8, 3, 3}).to(at::kDouble);
    const auto bias = normal({8}).to(at::kDouble);
    const auto expected = [&](const at::Tensor& x, const at::Tensor& residual) {
      return at::relu(at::conv2d(x, weight.to(at::kFloat), bias.to(at::kFloat), 1, 1) + residual);
    };
    int calls = 0;
    const FusedConvOperators operators{
        .relu =
            [&](const auto& x, const auto&, const auto&, const auto&) {
              ++calls;
              return come(expected(x, at::zeros({1})));
            },
        .add_relu =
            [&](const auto& x, const auto&, const auto& residual, const auto&, const auto&) {
              ++calls;
              return come(expected(x, residual));
            }};
    const auto given = come ? std::optional(operators) : std::nullopt;
    const DeviceConv conv(weight, bias, geometry, at::kFloat, nullptr, given);
    double distance = 0;
    for (const int64_t count : {2, 2, 2, 3}) {
      const auto x = normal({count, 8, 5, 5}).contiguous(at::MemoryFormat::ChannelsLast);
      const auto residual = normal({count, 8, 5, 5}).contiguous(at::MemoryFormat::ChannelsLast);
      distance = std::max({distance, Distance(conv.Run(x, true), expected(x, at::zeros({1}))),
                           Distance(conv.RunResidual(x, residual), expected(x, residual))});
    }
    std::printf("%s\"%s\":{\"calls\":%d,\"distance\":%g}", before, name, calls, distance);
    before = ",";
  }
  std::printf("}\n");
}

}  // namespace torchgraft
