#include "torch/kernels/resample/resample_body.h"

#if defined(__x86_64__)

namespace torchgraft {

void ResampleRowsAvx512(const Resampling& resampling, int64_t begin, int64_t end, PixelType type,
                        void* out, float* scratch) {
  Resample(resampling, begin, end, type, out, scratch);
}

}  // namespace torchgraft

#endif
