#pragma once

#include <string>

#include "torch/cuda/driver/shared_library.h"

namespace torchgraft {

// NVRTC, NVIDIA's run-time compiler, which libtorch's CUDA build brings. Opened by dlopen, not
// linked: the addon is built without CUDA, and runs where there is none.
class Nvrtc {
 public:
  // Throws std::runtime_error, in words, where it cannot be opened.
  Nvrtc();

  // What decides the code that Compile() gives, as a name for it: the architecture, this compiler's
  // version, and a hash of the source and the options.
  std::string KeyOf(const char* source, int capability) const;

  // Compiles CUDA source, which may include <cstdint> alone: to machine code (CUBIN) for a device
  // of this compute capability (90 is 9.0), or to PTX where the compiler is older than the device.
  // Without fused multiply-adds, as the CPU's kernels. Throws std::runtime_error with the
  // compiler's words.
  std::string Compile(const char* source, int capability) const;

 private:
  using Program = void*;
  struct ProgramCloser;

  void Check(int result, const char* what) const;
  // What this compiler compiles to for a device, as its option -arch has it: sm_90 is the device's
  // own machine code, compute_90 is PTX.
  std::string ArchitectureFor(int capability) const;
  template <typename Size, typename Get>
  std::string Read(Program program, Size size, Get get) const;

  SharedLibrary library_;
  const char* (*error_)(int);
  int (*version_)(int* major, int* minor);
  int (*count_architectures_)(int*);
  int (*architectures_)(int*);
  int (*create_)(Program*, const char* source, const char* name, int headers,
                 const char* const* texts, const char* const* names);
  int (*destroy_)(Program*);
  int (*compile_)(Program, int options, const char* const* option);
  int (*log_size_)(Program, size_t*);
  int (*log_)(Program, char*);
  int (*cubin_size_)(Program, size_t*);
  int (*cubin_)(Program, char*);
  int (*ptx_size_)(Program, size_t*);
  int (*ptx_)(Program, char*);
};

}  // namespace torchgraft
