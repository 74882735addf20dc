#include "torch/session/state_dict.h"

#include <ATen/Functions.h>

#include <cstring>

#include "torch/session/error.h"

namespace torchgraft {

namespace {

void Collect(const torch::nn::Module& module, const std::string& prefix,
             std::vector<NamedTensor>& state) {
  for (const auto& item : module.named_parameters(/*recurse=*/false)) {
    state.push_back({prefix + item.key(), item.value(), true});
  }
  for (const auto& item : module.named_buffers(/*recurse=*/false)) {
    state.push_back({prefix + item.key(), item.value(), false});
  }
  for (const auto& item : module.named_children())
    Collect(*item.value(), prefix + item.key() + ".", state);
}

at::ScalarType StoredType(const at::Tensor& tensor) {
  return tensor.is_floating_point() ? at::kFloat : at::kLong;
}

void CheckLength(const std::vector<NamedTensor>& state, size_t bytes) {
  size_t expected = 0;
  for (const auto& [name, tensor, trainable] : state)
    expected += tensor.numel() * at::elementSize(StoredType(tensor));
  if (bytes == expected) return;
  throw CodedError("ERR_STATE_DICT_MISMATCH", "Expected " + std::to_string(expected) +
                                                  " bytes of state but received " +
                                                  std::to_string(bytes));
}

}  // namespace

std::vector<NamedTensor> StateDict(const torch::nn::Module& module) {
  std::vector<NamedTensor> state;
  Collect(module, "", state);
  return state;
}

std::vector<StateEntry> Describe(const std::vector<NamedTensor>& state) {
  std::vector<StateEntry> entries;
  for (const auto& [name, tensor, trainable] : state) {
    entries.push_back({name, StoredType(tensor) == at::kLong, tensor.sizes().vec()});
  }
  return entries;
}

void CopyOut(const std::vector<NamedTensor>& state, uint8_t* into, size_t bytes) {
  CheckLength(state, bytes);
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor, trainable] : state) {
    const auto plain = tensor.detach().to(at::kCPU, StoredType(tensor)).contiguous();
    std::memcpy(into, plain.data_ptr(), plain.nbytes());
    into += plain.nbytes();
  }
}

void CopyIn(const std::vector<NamedTensor>& state, const uint8_t* from, size_t bytes,
            const std::vector<uint8_t>& written) {
  CheckLength(state, bytes);
  if (written.size() != state.size())
    throw CodedError("ERR_STATE_DICT_MISMATCH", "Expected a mark for each entry of the state");
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < state.size(); ++i) {
    const auto& tensor = state[i].tensor;
    // Copied first: the buffer may not be aligned.
    const auto plain = at::empty(tensor.sizes(), StoredType(tensor));
    if (written[i] != 0) {
      std::memcpy(plain.data_ptr(), from, plain.nbytes());
      tensor.detach().copy_(plain);
    }
    from += plain.nbytes();
  }
}

}  // namespace torchgraft
