#pragma once

#include <torch/types.h>

#include <vector>

namespace torchgraft {

// torch.nn.utils.clip_grad_norm_: scales the gradients in place so that the L2 norm of all of them
// together is at most max_norm. Does not wait for the device.
void ClipGradNorm(std::vector<at::Tensor> gradients, double max_norm);

}  // namespace torchgraft
