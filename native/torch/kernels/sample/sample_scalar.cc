#include "torch/kernels/sample/sample_body.h"

namespace torchgraft {

void SampleRowsScalar(const Sampling& sampling, int64_t begin, int64_t end, PixelType type,
                      void* out, float* scratch) {
  Sample(sampling, begin, end, type, out, scratch);
}

}  // namespace torchgraft
