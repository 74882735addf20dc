#pragma once

#include <c10/util/Exception.h>

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

// While it lives, this thread does not warn of gradients whose strides are not their bucket's:
// those of 1×1 convolutions in channels_last may be, and lie in the same order.
class QuietAboutStrides {
 private:
  class Handler : public c10::WarningHandler {
   public:
    void process(const c10::Warning& warning) override;
  };

  Handler handler_;
  c10::WarningUtils::WarningHandlerGuard guard_{&handler_};
};

}  // namespace torchgraft
