#include "torch/session/data_parallel.h"

#include <ATen/Functions.h>

#include <utility>

namespace torchgraft {

namespace {

std::vector<at::Tensor> Tensors(const std::vector<NamedTensor>& state, bool buffers_only) {
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor, trainable] : state) {
    if (!buffers_only || !trainable) tensors.push_back(tensor.detach());
  }
  return tensors;
}

}  // namespace

DataParallel::DataParallel(std::shared_ptr<Group> group, const std::vector<NamedTensor>& state,
                           const std::vector<at::Tensor>& parameters)
    : group_(std::move(group)),
      buffers_(Tensors(state, /*buffers_only=*/true)),
      reducer_(group_->impl(), parameters) {
  SyncState(state);
}

void DataParallel::Begin(double weight, int64_t images) {
  weight_ = weight;
  totals_ = at::tensor({weight, static_cast<double>(images)}, at::kDouble);
  totaled_ = group().BeginAllReduce(totals_);
  reducer_.Prepare();
}

DataParallel::Share DataParallel::AwaitShare() {
  totaled_->wait();
  const auto* totals = totals_.const_data_ptr<double>();
  return {.factor = weight_ * group_->options().world_size / totals[0],
          .images = static_cast<int64_t>(totals[1])};
}

void DataParallel::BeginSums(const at::Tensor& sums) { summed_ = group().BeginAllReduce(sums); }

void DataParallel::AwaitSums() { summed_->wait(); }

void DataParallel::SyncBuffers() const { group().BroadcastFirst(buffers_); }

void DataParallel::SyncState(const std::vector<NamedTensor>& state) const {
  group().BroadcastFirst(Tensors(state, /*buffers_only=*/false));
}

}  // namespace torchgraft
