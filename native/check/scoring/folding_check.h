#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// folding fp32|bf16 MODEL...: a GPU's folded layers, on the CPU. Prints, for each model, how far
// its logits are from those of the model layer by layer, of the largest: at first, and after other
// weights and statistics; and whether the folded weights then lie where they lay.
void CheckFolding(const std::vector<std::string>& arguments);

// fused-choice: a GPU's convolution with stand-ins for cuDNN's operators. Prints, for each, what
// became of it: how often it was called in three passes of one shape and one of another, and how
// far the outputs are from the expected ones.
void CheckFusedChoice(const std::vector<std::string>& arguments);

}  // namespace torchgraft
