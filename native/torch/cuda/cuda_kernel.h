#pragma once

#include <array>
#include <memory>

#include "cuda_driver.h"

namespace torchgraft {

using Extent = std::array<unsigned, 3>;

// A kernel on one device, compiled when this is made: some tenths of a second.
class CudaKernel {
 public:
  // `source` has a function `name`, extern "C". Throws std::runtime_error, in words, where it
  // cannot be compiled or loaded.
  CudaKernel(int device, const char* source, const char* name);
  CudaKernel(const CudaKernel&) = delete;
  CudaKernel& operator=(const CudaKernel&) = delete;

  // Of blocks and threads, with one argument, which is copied. Nobody waits for it.
  void Launch(const Extent& grid, const Extent& block, const void* argument,
              CudaDriver::Stream stream) const;

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
  CudaDriver::Function function_ = nullptr;
};

}  // namespace torchgraft
