#include "check/distances.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace torchgraft {

namespace {

// What is infinite, or no number, in both is no distance; in one, it is the largest that a double
// can be.
double Distance(const at::Tensor& result, const at::Tensor& truth) {
  const auto number = result.to(at::kDouble);
  const auto as_it_is = number.eq(truth).logical_or(number.isnan().logical_and(truth.isnan()));
  const auto off = (number - truth).abs().masked_fill(as_it_is, 0).max().item<double>();
  const auto largest = truth.abs().masked_fill(truth.isfinite().logical_not(), 0).max();
  if (off == 0) return 0;
  const auto distance = off / largest.item<double>();
  return std::isfinite(distance) ? distance : std::numeric_limits<double>::max();
}

}  // namespace

at::ScalarType TypeOf(const std::string& name) {
  if (name == "fp32") return at::kFloat;
  if (name == "bf16") return at::kBFloat16;
  if (name == "fp16") return at::kHalf;
  throw std::invalid_argument("There is no type " + name);
}

std::vector<int64_t> ShapeOf(const std::string& shape) {
  std::vector<int64_t> sizes;
  std::istringstream words(shape);
  for (std::string word; std::getline(words, word, 'x');) sizes.push_back(std::stol(word));
  return sizes;
}

void Compare(const Results& truth, const Results& ours, const Results& again,
             const Results& theirs) {
  const char* before = "{";
  for (const auto& [name, tensor] : truth) {
    std::printf("%s\"%s\":[%.3g,%.3g]", before, name.c_str(), Distance(ours.at(name), tensor),
                Distance(theirs.at(name), tensor));
    before = ",";
    if (!at::allclose(ours.at(name), again.at(name), /*rtol=*/0, /*atol=*/0, /*equal_nan=*/true))
      throw std::runtime_error(name + " is another the second time");
  }
  std::printf("}");
}

}  // namespace torchgraft
