#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "torch/cuda/driver/cuda_driver.h"
#include "torch/cuda/driver/kernel_cache.h"

namespace torchgraft {

using Extent = std::array<unsigned, 3>;
using CudaFunction = CudaDriver::Function;

// A CUDA module: the kernels of one source on one device. Where the cache has no code for it, or
// code that the driver refuses, the constructor compiles it by NVRTC, in some tenths of a second.
class CudaModule {
 public:
  // Throws std::runtime_error, in words, where it cannot be compiled or loaded.
  CudaModule(int device, const char* source, KernelCache& cache);
  CudaModule(const CudaModule&) = delete;
  CudaModule& operator=(const CudaModule&) = delete;

  // A kernel of the source by its extern "C" name. Throws std::runtime_error where there is none.
  CudaFunction Find(const char* name) const;

  // Enqueues a kernel: blocks in `grid`, threads in `block`, one argument, which is copied. Does
  // not wait for it.
  void Launch(CudaFunction kernel, const Extent& grid, const Extent& block, const void* argument,
              CudaDriver::Stream stream) const;

  // Bytes of the device's memory that no program has taken.
  int64_t FreeMemory() const;

  // The device's number of streaming multiprocessors.
  int multiprocessors() const { return multiprocessors_; }

 private:
  // Errors of these are ignored: while a process exits the driver may be gone.
  struct ContextReleaser {
    const CudaDriver* driver;
    CudaDriver::Device device;
    void operator()(CudaDriver::Context) const;
  };
  struct ModuleUnloader {
    const CudaDriver* driver;
    CudaDriver::Context context;
    void operator()(CudaDriver::Module module) const;
  };
  using Context = std::unique_ptr<void, ContextReleaser>;
  using Module = std::unique_ptr<void, ModuleUnloader>;

  static Context Retain(const CudaDriver& driver, int device);
  static Module Load(const CudaDriver& driver, const Context& context, const char* source,
                     KernelCache& cache);

  // In this order: each is destroyed before what it needs.
  CudaDriver driver_;
  Context context_;  // libtorch's, the device's primary one
  Module module_;
  int multiprocessors_ = 0;
};

}  // namespace torchgraft
