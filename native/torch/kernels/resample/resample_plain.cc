#include "torch/kernels/resample/resample_body.h"

namespace torchgraft {

void SnapRowsPlain(const Snapping& snapping, int64_t begin, int64_t end, PixelType type, void* out,
                   float* scratch) {
  Snap(snapping, begin, end, type, out, scratch);
}

}  // namespace torchgraft
