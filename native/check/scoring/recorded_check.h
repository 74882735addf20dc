#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// recorded SHAPE...: steps of these shapes (NxSIZE), one after another, with stand-ins for CUDA
// graphs. Prints how each was taken ("eager", "capture" or "replay"), as a list.
void CheckRecorded(const std::vector<std::string>& arguments);

// rounded N...: the sizes that batches are padded to.
void CheckRounded(const std::vector<std::string>& arguments);

// cudnn-benchmark: libtorch's setting before, within a session's call that wants it, within one
// that does not, and after each, as a list.
void CheckCudnnBenchmark(const std::vector<std::string>& arguments);

// refolded: the graph of a folded model's step, replayed after other weights. Prints how far its
// scores are from the model's, of the largest logit, before and after.
void CheckRefolded(const std::vector<std::string>& arguments);

}  // namespace torchgraft
