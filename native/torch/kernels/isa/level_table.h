#pragma once

#include "torch/kernels/isa/cpu_level.h"

namespace torchgraft {

// One kernel's variants by CpuLevel: `at[level]` is the one compiled for that level, nullptr where
// there is none. `Kernel` is plain data, mostly pointers to functions. Declared in a kernel's
// header, and filled in by the file that kernels.cmake makes for the kernel.
template <class Kernel>
struct LevelTable {
  const Kernel* at[kCpuLevels];

  // The variant of `level`, or of the highest level below that has one; nullptr if none has.
  const Kernel* Best(CpuLevel level) const {
    for (int i = static_cast<int>(level); i >= 0; --i)
      if (at[i] != nullptr) return at[i];
    return nullptr;
  }
};

}  // namespace torchgraft
