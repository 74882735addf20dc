#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "torch/session/named_tensor.h"
#include "torch/session/session.h"

namespace torchgraft {

// In the order of Python's state_dict: a module's parameters, its buffers, then its children.
std::vector<NamedTensor> StateDict(const torch::nn::Module& module);

std::vector<StateEntry> Describe(const std::vector<NamedTensor>& state);

// Between tensors, wherever and however they lie, and a flat buffer of them one after another,
// row-major. Entries that `written` has a 0 for are passed over.
void CopyOut(const std::vector<NamedTensor>& state, uint8_t* into, size_t bytes);
void CopyIn(const std::vector<NamedTensor>& state, const uint8_t* from, size_t bytes,
            const std::vector<uint8_t>& written);

}  // namespace torchgraft
