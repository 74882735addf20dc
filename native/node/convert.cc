#include "node/convert.h"

#include <algorithm>

#include "node/group_wrap.h"
#include "node/typed_arrays.h"

namespace torchgraft {

namespace {

OptimizerOptions ToOptimizerOptions(const Napi::Object& options) {
  OptimizerOptions result{
      .decoupled = ToString(options["type"], "optimizer.type") == "adamw",
      .fused = options.Get("fused").ToBoolean(),
      .beta1 = ToNumber(options["beta1"], "optimizer.beta1"),
      .beta2 = ToNumber(options["beta2"], "optimizer.beta2"),
      .eps = ToNumber(options["eps"], "optimizer.eps"),
      .groups = {},
  };
  const Napi::Value groups = options["groups"];
  if (!groups.IsArray()) throw Expected(options.Env(), "an array", "optimizer.groups");
  const auto array = groups.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const auto group = ToObject(array[i], "optimizer.groups");
    result.groups.push_back(
        {ToNumber(group["lrScale"], "lrScale"), ToNumber(group["weightDecay"], "weightDecay")});
  }
  return result;
}

GradScalerOptions ToScalerOptions(const Napi::Object& options) {
  return {
      .init_scale = ToNumber(options["initScale"], "scaler.initScale"),
      .growth_factor = ToNumber(options["growthFactor"], "scaler.growthFactor"),
      .backoff_factor = ToNumber(options["backoffFactor"], "scaler.backoffFactor"),
      .growth_interval = ToInteger(options["growthInterval"], "scaler.growthInterval"),
  };
}

Precision ToPrecision(const Napi::Value& value) {
  const auto name = ToString(value, "precision");
  if (name == "bf16") return Precision::kBf16;
  if (name == "fp16") return Precision::kFp16;
  if (name == "fp32") return Precision::kFp32;
  throw Expected(value.Env(), "fp32, bf16 or fp16", "precision");
}

}  // namespace

std::string ToString(const Napi::Value& value, const char* name) {
  if (!value.IsString()) throw Expected(value.Env(), "a string", name);
  return value.As<Napi::String>();
}

int64_t ToInteger(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) throw Expected(value.Env(), "an integer", name);
  return value.As<Napi::Number>().Int64Value();
}

double ToNumber(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) throw Expected(value.Env(), "a number", name);
  return value.As<Napi::Number>().DoubleValue();
}

Napi::Uint8Array ToBytes(const Napi::Value& value, const char* name) {
  return ToArray<uint8_t>(value, napi_uint8_array, "a Uint8Array", name);
}

Napi::Float32Array ToFloats(const Napi::Value& value, const char* name) {
  return ToArray<float>(value, napi_float32_array, "a Float32Array", name);
}

std::vector<double> ToDoubles(const Napi::Value& value, const char* name) {
  std::vector<double> numbers;
  CopyArray<double>(value, napi_float64_array, "a Float64Array", name, numbers);
  return numbers;
}

GroupOptions ToGroupOptions(const Napi::Value& value) {
  const auto options = ToObject(value, "options");
  GroupOptions result{
      .rank = static_cast<int>(ToInteger(options["rank"], "rank")),
      .world_size = static_cast<int>(ToInteger(options["worldSize"], "worldSize")),
      .master_address = ToString(options["masterAddress"], "masterAddress"),
      .master_port = static_cast<int>(ToInteger(options["masterPort"], "masterPort")),
      .serve = options.Get("serve").ToBoolean(),
      .prefix = ToString(options["prefix"], "prefix"),
      .identity = ToString(options["identity"], "identity"),
      .timeout = ToNumber(options["timeoutSeconds"], "timeoutSeconds"),
      .backend = ToString(options["backend"], "backend"),
      .device = ToString(options["device"], "device"),
  };
  if (result.rank < 0 || result.rank >= result.world_size)
    throw Expected(value.Env(), "a rank below worldSize", "rank");
  if (result.master_port < 1 || result.master_port > 65535)
    throw Expected(value.Env(), "a port from 1 to 65535", "masterPort");
  return result;
}

StatePart ToStatePart(const Napi::Value& value) {
  const auto name = ToString(value, "part");
  if (name == "model") return StatePart::kModel;
  if (name == "training") return StatePart::kTraining;
  throw Expected(value.Env(), "model or training", "part");
}

Renderer ToRenderer(const Napi::Value& value) {
  const auto name = ToString(value, "renderer");
  if (name == "loops") return Renderer::kLoops;
  if (name == "kernel") return Renderer::kKernel;
  if (name == "cuda-kernel") return Renderer::kCudaKernel;
  if (name == "operations") return Renderer::kOperations;
  throw Expected(value.Env(), "loops, kernel, cuda-kernel or operations", "renderer");
}

SessionOptions ToSessionOptions(const Napi::Value& value) {
  const auto options = ToObject(value, "options");
  SessionOptions result{
      .model = ToString(options["model"], "model"),
      .classes = ToInteger(options["classes"], "classes"),
      .device = ToString(options["device"], "device"),
      .precision = ToPrecision(options["precision"]),
      .channels_last = options.Get("channelsLast").ToBoolean(),
      .threads = ToInteger(options["threads"], "threads"),
      .seed = static_cast<uint64_t>(ToInteger(options["seed"], "seed")),
      .optimizer = ToOptimizerOptions(ToObject(options["optimizer"], "optimizer")),
      .scaler = ToScalerOptions(ToObject(options["scaler"], "scaler")),
      .clip_norm = ToNumber(options["clipNorm"], "clipNorm"),
      .group_of = {},
      .label_smoothing = ToNumber(options["labelSmoothing"], "labelSmoothing"),
      .class_weights = {},
      .freeze_batch_norm = options.Get("freezeBatchNorm").ToBoolean(),
      .plain_kernels = options.Get("plainKernels").ToBoolean(),
      .score_in_fp32 = options.Get("scoreInFp32").ToBoolean(),
      .cudnn_benchmark = options.Get("cudnnBenchmark").ToBoolean(),
      .kernels = nullptr,
      .group = GroupWrap::Of(options["group"]),
      .sync_batch_norm = options.Get("syncBatchNorm").ToBoolean(),
  };
  CopyArray<int32_t>(options["groupOf"], napi_int32_array, "an Int32Array", "groupOf",
                     result.group_of);
  CopyArray<float>(options["classWeights"], napi_float32_array, "a Float32Array", "classWeights",
                   result.class_weights);
  const auto groups = static_cast<int32_t>(result.optimizer.groups.size());
  const bool known = std::all_of(result.group_of.begin(), result.group_of.end(),
                                 [&](int32_t group) { return group >= -1 && group < groups; });
  if (!known) throw Expected(value.Env(), "indices of groups", "groupOf");
  if (result.threads < 1) throw Expected(value.Env(), "at least one thread", "threads");
  if (result.classes < 1) throw Expected(value.Env(), "at least one class", "classes");
  return result;
}

std::vector<CompiledKernel> ToKernels(const Napi::Value& value) {
  if (!value.IsArray()) throw Expected(value.Env(), "an array", "kernels");
  const auto array = value.As<Napi::Array>();
  std::vector<CompiledKernel> kernels;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const auto kernel = ToObject(array[i], "kernels");
    const auto code = ToBytes(kernel["code"], "kernels.code");
    kernels.push_back({ToString(kernel["key"], "kernels.key"),
                       std::string(code.Data(), code.Data() + code.ElementLength())});
  }
  return kernels;
}

std::vector<float> ToMoments(const Napi::Value& value) {
  std::vector<float> moments;
  CopyArray<float>(value, napi_float32_array, "a Float32Array", "moments", moments);
  if (moments.size() != 6) throw Expected(value.Env(), "six numbers", "moments");
  return moments;
}

}  // namespace torchgraft
