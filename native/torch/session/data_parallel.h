#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "torch/distributed/gradient_reducer.h"
#include "torch/distributed/group_impl.h"
#include "torch/session/named_tensor.h"

namespace torchgraft {

// What the ranks of a group do together in a training step, as DistributedDataParallel: each takes
// its share of the batch, gradients are averaged, buffers follow rank 0.
class DataParallel {
 public:
  // Gives all ranks rank 0's state, whose trainable tensors are the parameters in training.
  DataParallel(std::shared_ptr<Group> group, const std::vector<NamedTensor>& state,
               const std::vector<at::Tensor>& parameters);

  // A rank's part in the mean of the whole batch. Shares may differ, and one may be empty.
  struct Share {
    // What this rank's mean loss is multiplied by, so that the mean of all ranks' gradients is that
    // of the whole batch's mean loss: 1 where all shares weigh the same.
    double factor;
    int64_t images;  // of the whole batch
  };

  // Begins a step. `weight` is what the mean loss of this rank's images divides by: their number,
  // or the sum of their classes' weights.
  void Begin(double weight, int64_t images);
  // After the forward pass, during which the numbers were on their way.
  Share AwaitShare();

  // Σ over all ranks, in place, once AwaitSums returns.
  void BeginSums(const at::Tensor& sums);
  void AwaitSums();

  // Throws where a rank has failed, so that what a GPU holds is not the sum.
  void Check() const { group().Check(); }

  // Gives all ranks rank 0's buffers: running statistics.
  void SyncBuffers() const;
  // The same for any state that was written.
  void SyncState(const std::vector<NamedTensor>& state) const;

 private:
  const Group::Impl& group() const { return group_->impl(); }

  std::shared_ptr<Group> group_;
  std::vector<at::Tensor> buffers_;
  GradientReducer reducer_;
  at::Tensor totals_;  // of the step under way: [weight, images], float64 on the CPU
  double weight_ = 0;
  c10::intrusive_ptr<c10d::Work> totaled_;
  c10::intrusive_ptr<c10d::Work> summed_;
};

}  // namespace torchgraft
