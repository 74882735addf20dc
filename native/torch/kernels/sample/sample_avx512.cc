#include "torch/kernels/sample/sample_body.h"

#if defined(__x86_64__)

namespace torchgraft {

void SampleRowsAvx512(const Sampling& sampling, int64_t begin, int64_t end, PixelType type,
                      void* out, float* scratch) {
  Sample(sampling, begin, end, type, out, scratch);
}

}  // namespace torchgraft

#endif
