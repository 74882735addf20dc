#pragma once

#include <napi.h>

#include <string>
#include <vector>

namespace torchgraft {

inline Napi::TypeError Expected(Napi::Env env, const std::string& what, const char* name) {
  return Napi::TypeError::New(env, "Expected " + what + " for " + name);
}

inline Napi::Object ToObject(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) throw Expected(value.Env(), "an object", name);
  return value.As<Napi::Object>();
}

// The elements of a typed array of one kind. A detached one has none.
template <typename T>
Napi::TypedArrayOf<T> ToArray(const Napi::Value& value, napi_typedarray_type type, const char* what,
                              const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    throw Expected(value.Env(), what, name);
  }
  return value.As<Napi::TypedArrayOf<T>>();
}

template <typename T>
void CopyArray(const Napi::Value& value, napi_typedarray_type type, const char* what,
               const char* name, std::vector<T>& into) {
  const auto array = ToArray<T>(value, type, what, name);
  into.assign(array.Data(), array.Data() + array.ElementLength());
}

}  // namespace torchgraft
