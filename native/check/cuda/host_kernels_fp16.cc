#define TORCHGRAFT_ELEMENT 2
#define HOST_KERNELS kHostKernelsFp16
#include "check/cuda/host_kernels_body.h"
