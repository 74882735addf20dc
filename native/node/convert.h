#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "torch/distributed/group.h"
#include "torch/session/session.h"
#include "torch/session/system.h"

namespace torchgraft {

// From JavaScript: throw a TypeError that names the argument where it is of another kind.
std::string ToString(const Napi::Value& value, const char* name);
int64_t ToInteger(const Napi::Value& value, const char* name);
double ToNumber(const Napi::Value& value, const char* name);
Napi::Uint8Array ToBytes(const Napi::Value& value, const char* name);
Napi::Float32Array ToFloats(const Napi::Value& value, const char* name);
std::vector<double> ToDoubles(const Napi::Value& value, const char* name);
GroupOptions ToGroupOptions(const Napi::Value& value);
StatePart ToStatePart(const Napi::Value& value);
Renderer ToRenderer(const Napi::Value& value);
SessionOptions ToSessionOptions(const Napi::Value& value);
std::vector<CompiledKernel> ToKernels(const Napi::Value& value);
// Copies into memory that the images own already.
void ToImages(const Napi::Value& value, Images& images);
std::vector<float> ToMoments(const Napi::Value& value);  // six of them
void ToLabels(const Napi::Value& value, std::vector<int32_t>& labels);

// To JavaScript.
Napi::Value ToJs(Napi::Env env, const TrainSums& sums);
Napi::Value ToJs(Napi::Env env, const EvalResult& result);
Napi::Value ToJs(Napi::Env env, const std::vector<StateEntry>& entries);
Napi::Value ToJs(Napi::Env env, const ModelDescription& model);
Napi::Value ToJs(Napi::Env env, const std::vector<float>& numbers);
Napi::Value ToJs(Napi::Env env, const std::vector<CompiledKernel>& kernels);
Napi::Value ToJs(Napi::Env env, const std::vector<std::string>& texts);
Napi::Value ToJs(Napi::Env env, const System& system);

}  // namespace torchgraft
