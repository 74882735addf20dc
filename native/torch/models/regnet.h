#pragma once

#include <vector>

#include "torch/models/layers.h"
#include "torch/models/regnet_variants.h"

namespace torchgraft {

// torchvision's ResBottleneckBlock: ReLU(proj(x) + c(se(b(a(x))))).
class BottleneckImpl : public torch::nn::Module {
 public:
  BottleneckImpl(int64_t width_in, int64_t width_out, int64_t stride, int64_t group_width,
                 double se_ratio, const Making& making);
  Forked forward(const Forked& x);
  FoldedBlock Folded(at::ScalarType type) const;

 private:
  ConvNorm proj_{nullptr};  // only where the shapes differ
  ConvNorm a_{nullptr};
  ConvNorm b_{nullptr};
  SqueezeExcitation se_{nullptr};  // only in RegNetY
  ConvNorm c_{nullptr};
};
TORCH_MODULE(Bottleneck);

// RegNet with the module tree and the initial weights of torchvision's.
class RegNetImpl : public torch::nn::Module {
 public:
  RegNetImpl(const RegNetVariant& variant, int64_t classes, const Making& making);

  // [n, 3, h, w] → logits [n, classes]
  at::Tensor forward(const at::Tensor& x);

  // For scoring on the CPU in float or bf16, with the state of now. Throws c10::Error where this
  // libtorch or this processor has no operators for it.
  FoldedRegNet Folded(at::ScalarType type) const;

  // Batch norm uses its running statistics from now on, and leaves them as they are.
  void FreezeBatchNorm();

 private:
  ConvNorm stem_{nullptr};
  std::vector<Bottleneck> blocks_;
  Linear fc_{nullptr};
};
TORCH_MODULE(RegNet);

}  // namespace torchgraft
