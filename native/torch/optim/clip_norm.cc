#include "torch/optim/clip_norm.h"

#include <ATen/Functions.h>

namespace torchgraft {

namespace {

constexpr double kEps = 1e-6;  // PyTorch's

}  // namespace

void ClipGradNorm(std::vector<at::Tensor> gradients, double max_norm) {
  const at::NoGradGuard no_grad;
  const auto norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)), 2);
  const auto factor = (max_norm / (norm + kEps)).clamp_max(1);
  at::_foreach_mul_(gradients, factor);
}

}  // namespace torchgraft
