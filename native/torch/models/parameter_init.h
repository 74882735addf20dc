#pragma once

#include <torch/types.h>

#include <optional>

namespace torchgraft {

// What the elements of a new parameter are drawn from.
struct Distribution {
  enum class Kind { kConstant, kNormal, kUniform };

  static Distribution Constant(double value) { return {Kind::kConstant, value}; }
  static Distribution Normal(double std) { return {Kind::kNormal, std}; }        // around 0
  static Distribution Uniform(double bound) { return {Kind::kUniform, bound}; }  // ±bound

  Kind kind;
  double scale;  // the value, the standard deviation or the bound
};

// Makes parameters: float32 on the CPU, drawn from a generator, or on the meta device, without
// memory.
struct ParameterInit {
  at::Device device;
  std::optional<at::Generator> generator = std::nullopt;

  at::Tensor Draw(at::IntArrayRef shape, Distribution from) const;
  at::Tensor Full(at::IntArrayRef shape, double value, at::ScalarType dtype = at::kFloat) const;
};

}  // namespace torchgraft
