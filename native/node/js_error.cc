#include "node/js_error.h"

namespace torchgraft {

Napi::Error ToJsError(Napi::Env env, const Failure& failure) {
  auto error = Napi::Error::New(env, failure.message);
  error.Set("code", failure.code);
  return error;
}

}  // namespace torchgraft
