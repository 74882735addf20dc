#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace torchgraft {

using Results = std::map<std::string, at::Tensor>;

// fp32, bf16, fp16
at::ScalarType TypeOf(const std::string& name);

// 4x104x13x13
std::vector<int64_t> ShapeOf(const std::string& shape);

// Prints how far results are from those in double precision, each of its largest number, as
// {"result": [ours, libtorch's]}. Throws where ours are not the same twice.
void Compare(const Results& truth, const Results& ours, const Results& again,
             const Results& theirs);

}  // namespace torchgraft
