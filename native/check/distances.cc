#include "check/distances.h"

#include <ATen/ATen.h>

#include <cstdio>
#include <sstream>
#include <stdexcept>

namespace torchgraft {

namespace {

double Distance(const at::Tensor& result, const at::Tensor& truth) {
  const auto off = (result.to(at::kDouble) - truth).abs().max().item<double>();
  return off / truth.abs().max().item<double>();
}

}  // namespace

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
    if (!ours.at(name).equal(again.at(name)))
      throw std::runtime_error(name + " is another the second time");
  }
  std::printf("}");
}

}  // namespace torchgraft
