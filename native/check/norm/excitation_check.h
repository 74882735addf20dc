#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// excitation fp32|bf16 SHAPE...: squeeze-and-excitation by our kernels and by libtorch's operations
// one by one, under autocast with bf16, against those in double precision. Prints, for each shape
// (NxCxHxW), how far each result is off, of its largest number, as {"SHAPE": {"result": [ours,
// libtorch's]}}.
void CheckExcitation(const std::vector<std::string>& arguments);

// excitation-kernels fp32|bf16|fp16 SHAPE...: the same of a GPU's kernels, compiled as C++, beside
// the CPU's, which has none for fp16: there beside libtorch's operations. "n SHAPE": with a
// NaN and an infinity in x.
void CheckExcitationOfGpu(const std::vector<std::string>& arguments);

}  // namespace torchgraft
