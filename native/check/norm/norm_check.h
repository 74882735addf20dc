#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// norm fp32|bf16 SHAPE...: batch norm with what follows it, by our kernels and by libtorch's
// operations one by one, each against those in double precision. Of a shape (NxCxHxW) there is each
// kind; letters tell it: r ReLU, a something is added (and ReLU), f the output has two readers,
// z running statistics. Prints how far each result is off, of its largest number, as
// {"KIND SHAPE": {"result": [ours, libtorch's]}}.
void CheckNorm(const std::vector<std::string>& arguments);

// norm-kernels fp32|bf16|fp16 SHAPE...: the same of a GPU's kernels, compiled as C++, beside the
// CPU's, which has none for fp16: there beside libtorch's operations. n: infinities and a NaN.
void CheckNormOfGpu(const std::vector<std::string>& arguments);

}  // namespace torchgraft
