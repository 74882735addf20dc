#define TORCHGRAFT_ELEMENT 1
#define HOST_KERNELS kHostKernelsBf16
#include "check/cuda/host_kernels_body.h"
