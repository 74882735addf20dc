#include "torch/kernels/resample/resample_body.h"

#if defined(__x86_64__)

namespace torchgraft {

void SnapRowsAvx512(const Snapping& snapping, int64_t begin, int64_t end, PixelType type, void* out,
                    float* scratch) {
  Snap(snapping, begin, end, type, out, scratch);
}

}  // namespace torchgraft

#endif
