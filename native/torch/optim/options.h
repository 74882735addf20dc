#pragma once

#include <cstdint>
#include <vector>

// Settings of the optimizer and of the loss scale: standard types only, as native/node fills them
// in.
namespace torchgraft {

struct OptimizerOptions {
  struct Group {
    double lr_scale;
    double weight_decay;
  };

  bool decoupled;  // AdamW; else Adam, with weight decay added to the gradient
  bool fused;  // in one pass; else operation by operation, rounded as PyTorch's default on a CPU
  double beta1;
  double beta2;
  double eps;
  std::vector<Group> groups;
};

// As torch.amp.GradScaler names them; for fp16.
struct GradScalerOptions {
  double init_scale;
  double growth_factor;
  double backoff_factor;
  int64_t growth_interval;
};

}  // namespace torchgraft
