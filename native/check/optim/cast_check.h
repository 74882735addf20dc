#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// casts MODEL...: a training pass in bf16 whose weights autocast casts one by one, and one whose
// weights are cast together: which tensors differ (logits, gradients), how many casts and
// convolutions the backward pass has, with all in training and with the head alone. And tensors by
// themselves: one that is frozen, one that nothing reads, and numbers that are no finite ones.
// Prints it as JSON.
void CheckCasts(const std::vector<std::string>& arguments);

}  // namespace torchgraft
