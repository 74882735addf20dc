// The kernels of layers, channels_last: batch norm with what follows it, and squeeze-and-excitation.
// Compiled at run time, once an element type: nvrtc.h. The tests compile it as C++.
//
// Reductions are deterministic: rows are assigned to blocks by their numbers alone, and the blocks'
// partial sums are added up in order, without atomics.

#include "torch/cuda/layers/excitation.h"
#include "torch/cuda/layers/norm_backward.h"
#include "torch/cuda/layers/norm_forward.h"
