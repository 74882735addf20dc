#define TORCHGRAFT_ELEMENT 0
#define HOST_KERNELS kHostKernelsFp32
#include "check/cuda/host_kernels_body.h"
