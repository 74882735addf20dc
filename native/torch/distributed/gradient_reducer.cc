#include "torch/distributed/gradient_reducer.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace torchgraft {

namespace {

// DistributedDataParallel's: a small bucket first, so that reducing begins early in the backward
// pass, which computes the last layers' gradients first.
std::vector<std::vector<size_t>> Buckets(const std::vector<at::Tensor>& parameters) {
  auto buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(
      parameters, {c10d::kDefaultFirstBucketBytes, c10d::kDefaultBucketBytesCap},
      std::vector<bool>(parameters.size(), false)));
  std::reverse(buckets.begin(), buckets.end());
  return buckets;
}

}  // namespace

GradientReducer::GradientReducer(const Group::Impl& group,
                                 const std::vector<at::Tensor>& parameters)
    : reducer_(std::make_unique<c10d::Reducer>(
          parameters, Buckets(parameters), group.ProcessGroup(),
          /*expect_sparse_gradients=*/std::vector<bool>(parameters.size(), false),
          c10d::kDefaultBucketBytesCap, /*find_unused_parameters=*/false,
          /*gradient_as_bucket_view=*/true,
          /*param_names=*/std::unordered_map<size_t, std::string>(), c10d::kDefaultFirstBucketBytes,
          /*skip_all_reduce_unused_params=*/false,
          /*use_python_reducer=*/false, /*bucket_bytes_cap_list=*/std::vector<int64_t>())) {}

GradientReducer::~GradientReducer() = default;

// In DistributedDataParallel.forward's order.
void GradientReducer::Prepare() {
  reducer_->prepare_for_forward();
  reducer_->rebuild_buckets();
  reducer_->prepare_for_backward({});
}

void QuietAboutStrides::Handler::process(const c10::Warning& warning) {
  if (warning.msg().find("bucket view strides") == std::string::npos)
    c10::WarningHandler::process(warning);
}

}  // namespace torchgraft
