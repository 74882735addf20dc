#pragma once

#include <c10/core/ScalarType.h>

#include <vector>

#include "torch/models/model.h"

namespace torchgraft {

// A model's weights in autocast's type, for one forward pass: as long as this lives, its layers
// take them in place of their parameters, which autocast would cast one by one. Of the convolutions
// before norms, and of the linear layers: squeeze-and-excitation computes in float where it is one
// operator.
class CastWeights {
 public:
  CastWeights(const Model& model, at::ScalarType type);
  ~CastWeights();

  CastWeights(const CastWeights&) = delete;
  CastWeights& operator=(const CastWeights&) = delete;

 private:
  std::vector<CastableParameter*> parameters_;
};

}  // namespace torchgraft
