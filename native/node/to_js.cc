// To JavaScript: results, and a model's description as src/session/model-graph.ts types it.

#include <algorithm>

#include "node/convert.h"

namespace torchgraft {

namespace {

const char* NameOf(TensorRole role) {
  switch (role) {
    case TensorRole::kWeight:
      return "weight";
    case TensorRole::kBias:
      return "bias";
    case TensorRole::kNorm:
      return "norm";
    case TensorRole::kBuffer:
      return "buffer";
  }
  return "buffer";
}

const char* NameOf(Op op) {
  switch (op) {
    case Op::kConv:
      return "conv";
    case Op::kBatchNorm:
      return "batch-norm";
    case Op::kActivation:
      return "activation";
    case Op::kAdd:
      return "add";
    case Op::kMul:
      return "mul";
    case Op::kGlobalAvgPool:
      return "global-avg-pool";
    case Op::kFlatten:
      return "flatten";
    case Op::kLinear:
      return "linear";
  }
  return "";
}

Napi::Array ToStrings(Napi::Env env, const std::vector<std::string>& strings) {
  auto array = Napi::Array::New(env, strings.size());
  for (uint32_t i = 0; i < strings.size(); ++i) array[i] = strings[i];
  return array;
}

Napi::Object ToObject(Napi::Env env, const GraphNode& node) {
  auto object = Napi::Object::New(env);
  const auto number = [&](const char* key, auto value) {
    object[key] = Napi::Number::New(env, static_cast<double>(value));
  };
  object["op"] = NameOf(node.op);
  object["name"] = node.name;
  object["inputs"] = ToStrings(env, node.inputs);
  if (!node.module.empty()) object["module"] = node.module;
  if (!node.weight.empty()) object["weight"] = node.weight;
  if (!node.bias.empty()) object["bias"] = node.bias;
  if (node.op == Op::kBatchNorm) {
    object["runningMean"] = node.running_mean;
    object["runningVar"] = node.running_var;
    number("eps", node.eps);
  }
  if (node.op == Op::kActivation) object["type"] = NameOf(node.activation);
  if (node.op == Op::kConv) {
    number("kernel", node.kernel);
    number("stride", node.stride);
    number("padding", node.padding);
    number("groups", node.groups);
  }
  return object;
}

Napi::Object ToObject(Napi::Env env, const StateEntry& entry) {
  auto shape = Napi::Array::New(env, entry.shape.size());
  for (uint32_t d = 0; d < entry.shape.size(); ++d) shape[d] = static_cast<double>(entry.shape[d]);
  auto object = Napi::Object::New(env);
  object["name"] = entry.name;
  object["dtype"] = entry.is_int64 ? "int64" : "float32";
  object["shape"] = shape;
  return object;
}

}  // namespace

Napi::Value ToJs(Napi::Env env, const TrainSums& sums) {
  auto result = Napi::Object::New(env);
  result["steps"] = static_cast<double>(sums.steps);
  result["images"] = static_cast<double>(sums.images);
  result["loss"] = sums.loss;
  result["correct"] = static_cast<double>(sums.correct);
  result["scale"] = sums.scale;
  result["skipped"] = static_cast<double>(sums.skipped);
  return result;
}

Napi::Value ToJs(Napi::Env env, const EvalResult& result) {
  auto object = Napi::Object::New(env);
  object["loss"] = result.loss;
  object["correct"] = result.correct;
  object["logits"] = ToJs(env, result.logits);
  return object;
}

Napi::Value ToJs(Napi::Env env, const std::vector<StateEntry>& entries) {
  auto array = Napi::Array::New(env, entries.size());
  for (uint32_t i = 0; i < entries.size(); ++i) array[i] = ToObject(env, entries[i]);
  return array;
}

Napi::Value ToJs(Napi::Env env, const std::vector<std::string>& texts) {
  return ToStrings(env, texts);
}

Napi::Value ToJs(Napi::Env env, const std::vector<CompiledKernel>& kernels) {
  auto array = Napi::Array::New(env, kernels.size());
  for (uint32_t i = 0; i < kernels.size(); ++i) {
    auto code = Napi::Uint8Array::New(env, kernels[i].code.size());
    std::copy(kernels[i].code.begin(), kernels[i].code.end(), code.Data());
    auto kernel = Napi::Object::New(env);
    kernel["key"] = kernels[i].key;
    kernel["code"] = code;
    array[i] = kernel;
  }
  return array;
}

Napi::Value ToJs(Napi::Env env, const std::vector<float>& numbers) {
  auto array = Napi::Float32Array::New(env, numbers.size());
  std::copy(numbers.begin(), numbers.end(), array.Data());
  return array;
}

Napi::Value ToJs(Napi::Env env, const System& system) {
  auto object = Napi::Object::New(env);
  object["cuda"] = ToStrings(env, system.cuda_devices);
  object["bf16"] = system.multiplies_bf16;
  object["features"] = ToStrings(env, system.processor_features);
  object["threads"] = static_cast<double>(system.threads);
  return object;
}

Napi::Value ToJs(Napi::Env env, const ModelDescription& model) {
  auto tensors = Napi::Array::New(env, model.tensors.size());
  for (uint32_t i = 0; i < model.tensors.size(); ++i) {
    const auto& [entry, use] = model.tensors[i];
    auto object = ToObject(env, entry);
    object["role"] = NameOf(use.role);
    object["head"] = use.head;
    tensors[i] = object;
  }
  auto graph = Napi::Array::New(env, model.graph.size());
  for (uint32_t i = 0; i < model.graph.size(); ++i) graph[i] = ToObject(env, model.graph[i]);
  auto result = Napi::Object::New(env);
  result["tensors"] = tensors;
  result["graph"] = graph;
  return result;
}

}  // namespace torchgraft
