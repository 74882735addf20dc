#pragma once

#include "torch/cuda/layers/excitation_job.h"
#include "torch/cuda/layers/norm_job.h"

// All kernels of layer_kernel.cu, each with its argument: KERNEL(name, job).
#define TORCHGRAFT_LAYER_KERNELS(KERNEL)  \
  KERNEL(NormStatistics, NormJob)         \
  KERNEL(NormFinish, NormJob)             \
  KERNEL(NormByRunning, NormJob)          \
  KERNEL(NormApply, NormJob)              \
  KERNEL(NormGradientSums, NormJob)       \
  KERNEL(NormGradientFinish, NormJob)     \
  KERNEL(NormGradient, NormJob)           \
  KERNEL(ExcitationSums, ExcitationJob)   \
  KERNEL(ExcitationMean, ExcitationJob)   \
  KERNEL(ExcitationScale, ExcitationJob)  \
  KERNEL(ExcitationDots, ExcitationJob)   \
  KERNEL(ExcitationLogits, ExcitationJob) \
  KERNEL(ExcitationGradient, ExcitationJob)
