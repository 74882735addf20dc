#pragma once

#include "torch/cuda/layers/norm_job.h"

// All kernels of layer_kernel.cu, each with its argument: KERNEL(name, job).
#define TORCHGRAFT_LAYER_KERNELS(KERNEL) \
  KERNEL(NormStatistics, NormJob)        \
  KERNEL(NormFinish, NormJob)            \
  KERNEL(NormByRunning, NormJob)         \
  KERNEL(NormApply, NormJob)             \
  KERNEL(NormGradientSums, NormJob)      \
  KERNEL(NormGradientFinish, NormJob)    \
  KERNEL(NormGradient, NormJob)
