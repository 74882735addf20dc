#pragma once

#include <array>
#include <memory>

#include "torch/cuda/driver/cuda_driver.h"

namespace torchgraft {

using Extent = std::array<unsigned, 3>;
using CudaFunction = CudaDriver::Function;

// Kernels of one source on one device, compiled when this is made: some tenths of a second.
class CudaModule {
 public:
  // Throws std::runtime_error, in words, where it cannot be compiled or loaded.
  CudaModule(int device, const char* source);
  CudaModule(const CudaModule&) = delete;
  CudaModule& operator=(const CudaModule&) = delete;

  // A kernel of the source, extern "C". Throws std::runtime_error where there is none.
  CudaFunction Find(const char* name) const;

  // Of blocks and threads, with one argument, which is copied. Nobody waits for it.
  void Launch(CudaFunction kernel, const Extent& grid, const Extent& block, const void* argument,
              CudaDriver::Stream stream) const;

  // Of the device.
  int multiprocessors() const { return multiprocessors_; }

 private:
  // What these are answered at the end of a process, when the driver is gone, matters to nobody.
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
  static Module Load(const CudaDriver& driver, const Context& context, const char* source);

  // In the order in which they need each other.
  CudaDriver driver_;
  Context context_;  // libtorch's, the device's primary one
  Module module_;
  int multiprocessors_ = 0;
};

}  // namespace torchgraft
