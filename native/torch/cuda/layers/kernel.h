#pragma once

// What a kernel begins with. In CUDA it has a name by which it is found; in C++, which the tests
// compile it as for each element type, it is its file's own.
#if defined(__CUDACC__)
#define TORCHGRAFT_KERNEL extern "C" __global__ void
#else
#define TORCHGRAFT_KERNEL static void
#endif
