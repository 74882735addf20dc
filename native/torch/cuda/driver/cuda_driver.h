#pragma once

#include <cstddef>

#include "torch/cuda/driver/shared_library.h"

namespace torchgraft {

// The CUDA driver's functions that kernels need, from libcuda opened at run time, with prototypes
// of our own: no CUDA headers.
struct CudaDriver {
  using Device = int;
  using Context = void*;
  using Module = void*;
  using Function = void*;
  using Stream = void*;

  // Throws std::runtime_error, in words, where there is no driver.
  CudaDriver();

  // Throws std::runtime_error where a call's result is not CUDA_SUCCESS.
  void Check(int result, const char* what) const;

  SharedLibrary library;
  int (*init)(unsigned flags);
  int (*error_name)(int result, const char** name);
  int (*device_get)(Device*, int ordinal);
  int (*attribute)(int* value, int attribute, Device);
  int (*memory)(size_t* free, size_t* total);
  int (*retain_context)(Context*, Device);
  int (*release_context)(Device);
  int (*push_context)(Context);
  int (*pop_context)(Context*);
  int (*load_module)(Module*, const void* image);
  int (*unload_module)(Module);
  int (*get_function)(Function*, Module, const char* name);
  int (*launch)(Function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                unsigned block_y, unsigned block_z, unsigned shared_bytes, Stream, void** arguments,
                void** extra);
};

}  // namespace torchgraft
