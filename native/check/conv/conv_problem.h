#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

namespace torchgraft {

// A convolution to check: a square kernel, padded by half of it.
struct Problem {
  int64_t images, in, out, kernel, stride, groups, height, width;
  at::ScalarType type;

  std::string Name() const;
};

// Output, data gradient, weight gradient.
using Passes = std::vector<at::Tensor>;
using Conv = std::function<at::Tensor(const at::Tensor& x, const at::Tensor& weight)>;

// Normally distributed tensors of a problem, in its type and channels_last, the same each time.
struct Numbers {
  at::Tensor x, weight, dy;

  explicit Numbers(const Problem& p);

  Passes Through(const Conv& conv, at::ScalarType type) const;
};

// at::conv2d.
Conv LibraryConv(const Problem& p);

// Prints a row of JSON: how far `library` and what ours() comes to are from `exact`, each of its
// largest number, and whether ours() comes to the same bytes a second time.
void PrintRow(const std::string& name, const Passes& exact, const Passes& library,
              const std::function<Passes()>& ours);

// The same, of a problem and its numbers: against libtorch's convolution in double and in its type.
void Report(const Problem& p, const std::string& by, const Numbers& numbers,
            const std::function<Passes(const Numbers&)>& ours);
void Report(const Problem& p, const std::string& by,
            const std::function<Passes(const Numbers&)>& ours);

}  // namespace torchgraft
