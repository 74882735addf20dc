#pragma once

#include <memory>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <vector>

#include "torch/distributed/group_impl.h"

namespace torchgraft {

// torch.nn.parallel.DistributedDataParallel's reduction of gradients: c10d::Reducer, in buckets of
// its default sizes, each reduced while the backward pass computes the next. Gradients become the
// mean of all ranks'.
class GradientReducer {
 public:
  // The parameters in training, in the model's order, the same on all ranks.
  GradientReducer(const Group::Impl& group, const std::vector<at::Tensor>& parameters);
  ~GradientReducer();

  // Before a step's backward pass. Such a pass then ends with the reduced gradients, or throws.
  void Prepare();

 private:
  std::unique_ptr<c10d::Reducer> reducer_;
};

}  // namespace torchgraft
