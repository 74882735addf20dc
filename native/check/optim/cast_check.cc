#include "check/optim/cast_check.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/function.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>
#include <unordered_set>

#include "check/scoring/net.h"
#include "torch/models/cast_weights.h"
#include "torch/ops/cast.h"
#include "torch/optim/autocast.h"

namespace torchgraft {

namespace {

using torch::autograd::Node;

// How many nodes of a kind a tensor's backward pass has.
int CountNodes(const at::Tensor& of, const std::string& name) {
  std::unordered_set<Node*> seen;
  std::vector<Node*> waiting{of.grad_fn().get()};
  int count = 0;
  while (!waiting.empty()) {
    Node* node = waiting.back();
    waiting.pop_back();
    if (!node || !seen.insert(node).second) continue;
    count += node->name() == name ? 1 : 0;
    for (const auto& edge : node->next_edges()) waiting.push_back(edge.function.get());
  }
  return count;
}

struct Pass {
  std::map<std::string, at::Tensor> results;  // undefined: the gradient of what is frozen
  int casts;
  int convolutions;
};

Pass Train(const std::string& model, bool together, bool frozen) {
  Net net(model);
  net.model->train();
  for (auto& entry : net.model->named_parameters()) {
    auto& parameter = entry.value();
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
    parameter.set_requires_grad(!frozen || entry.key().rfind("fc.", 0) == 0);
  }
  const auto images = net.Images(2, 64);
  const auto forward = [&] {
    const AutocastGuard autocast(at::kCPU, true, at::kBFloat16);
    std::optional<CastWeights> weights;
    if (together) weights.emplace(*net.model, at::kBFloat16);
    return net.model->Forward(images).to(at::kFloat);
  };
  const auto logits = forward();
  Pass pass{.results = {{"logits", logits.detach()}},
            .casts = CountNodes(logits, "ToCopyBackward0"),
            .convolutions = CountNodes(logits, "ConvolutionBackward0")};
  logits.square().mean().backward();
  for (const auto& entry : net.model->named_parameters())
    pass.results[entry.key()] = entry.value().grad();
  const c10::InferenceMode inference;
  pass.results["scores"] = forward();
  return pass;
}

bool Same(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  return a.scalar_type() == b.scalar_type() && a.strides() == b.strides() &&
         at::equal(a.contiguous().view(at::kInt), b.contiguous().view(at::kInt));
}

void ReportModel(const std::string& model, bool frozen) {
  const auto alone = Train(model, /*together=*/false, frozen);
  const auto together = Train(model, /*together=*/true, frozen);
  std::string different;
  int tensors = 0;
  for (const auto& [name, tensor] : alone.results) {
    tensors += tensor.defined() ? 1 : 0;
    if (!Same(tensor, together.results.at(name)))
      different += (different.empty() ? "\"" : ",\"") + name + "\"";
  }
  std::printf(
      "\"%s%s\":{\"different\":[%s],\"tensors\":%d,\"casts\":[%d,%d],\"convolutions\":[%d,%d]},",
      model.c_str(), frozen ? ", frozen" : "", different.c_str(), tensors, alone.casts,
      together.casts, alone.convolutions, together.convolutions);
}

// Of three tensors the second is frozen and nothing reads the third.
std::vector<at::Tensor> Tensors() {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<at::Tensor> tensors{at::tensor({1.0F / 3, 1e6F, -infinity, nan, 1e-7F, 65519.0F}),
                                  at::tensor({0.1F, 0.2F}), at::tensor({0.3F})};
  for (const size_t i : {0, 2}) tensors[i].set_requires_grad(true);
  return tensors;
}

void ReportTensors() {
  const auto gradients = [](const std::vector<at::Tensor>& tensors,
                            const std::vector<at::Tensor>& cast) {
    const auto factors = at::tensor({0.3F, 1e6F, -1e6F, std::nanf(""), 1e-7F, 0.0F}).to(at::kHalf);
    ((cast[0] * factors).sum() + cast[1].sum()).backward();
    return std::vector<at::Tensor>{tensors[0].grad(), tensors[1].grad(), tensors[2].grad()};
  };
  const auto alone = Tensors();
  const auto together = Tensors();
  std::vector<at::Tensor> expected;
  for (const auto& tensor : alone) expected.push_back(tensor.to(at::kHalf));
  const auto found = CastTogether(together, at::kHalf);
  std::string values;
  for (size_t i = 0; i < found.size(); ++i) {
    const bool same =
        at::equal(found[i].detach().view(at::kShort), expected[i].detach().view(at::kShort));
    values += std::string(i ? "," : "") + (same ? "true" : "false");
  }
  const auto expected_gradients = gradients(alone, expected);
  const auto found_gradients = gradients(together, found);
  std::printf("\"values\":[%s],\"gradients\":[", values.c_str());
  for (size_t i = 0; i < 3; ++i) {
    const char* same = Same(found_gradients[i], expected_gradients[i]) ? "same" : "different";
    std::printf("%s\"%s\"", i ? "," : "", found_gradients[i].defined() ? same : "none");
  }
  std::printf("],\"frozen\":%s}\n", found[1].requires_grad() ? "false" : "true");
}

}  // namespace

void CheckCasts(const std::vector<std::string>& arguments) {
  std::printf("{");
  for (const auto& model : arguments)
    for (const bool frozen : {false, true}) ReportModel(model, frozen);
  ReportTensors();
}

}  // namespace torchgraft
