#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace torchgraft {

// A point of the RegNet design space (Radosavovic et al. 2020, arXiv:2003.13678), as torchvision
// names its numbers.
struct RegNetVariant {
  const char* name;
  int64_t depth;
  double w_0;
  double w_a;
  double w_m;
  int64_t group_width;
  double se_ratio;  // 0: no squeeze-and-excitation (RegNetX)
};

// One of the four stages that a variant's numbers unfold into.
struct RegNetStage {
  int64_t depth;
  int64_t width;
  int64_t group_width;
};

// torchvision's 15 variants, in its order.
const std::vector<RegNetVariant>& RegNetVariants();

// Throws ERR_MODEL_UNKNOWN.
const RegNetVariant& FindVariant(const std::string& name);

// Follows torchvision's BlockParams.from_init_params.
std::vector<RegNetStage> Stages(const RegNetVariant& variant);

}  // namespace torchgraft
