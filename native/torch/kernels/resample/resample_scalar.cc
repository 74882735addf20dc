#include "torch/kernels/resample/resample_body.h"

namespace torchgraft {

void ResampleRowsScalar(const Resampling& resampling, int64_t begin, int64_t end, PixelType type,
                        void* out, float* scratch) {
  Resample(resampling, begin, end, type, out, scratch);
}

}  // namespace torchgraft
