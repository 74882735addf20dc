#pragma once

#include <napi.h>

#include "torch/session/error.h"

namespace torchgraft {

// new Error(message), with its code.
Napi::Error ToJsError(Napi::Env env, const Failure& failure);

}  // namespace torchgraft
