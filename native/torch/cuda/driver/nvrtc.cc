#include "torch/cuda/driver/nvrtc.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iomanip>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace torchgraft {

namespace {

// NVRTC has no standard headers: this stands in for <cstdint>.
constexpr const char* kHeaderName = "cstdint";
constexpr const char* kHeader = R"(#pragma once
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
)";

constexpr std::array kOptions = {"-std=c++17", "-default-device", "--fmad=false"};

// FNV-1a, 64 bits: of texts one after another.
uint64_t HashOf(const std::vector<std::string>& texts) {
  uint64_t hash = 14695981039346656037u;
  for (const auto& text : texts) {
    // With the zero at its end, which keeps them apart.
    for (size_t i = 0; i <= text.size(); ++i) {
      hash = (hash ^ static_cast<uint8_t>(text.c_str()[i])) * 1099511628211u;
    }
  }
  return hash;
}

// The library's possible names: libtorch's libcaffe2_nvrtc.so, which is linked to NVRTC and finds
// it, then NVRTC's own of CUDA 13 and 12.
std::vector<std::string> Names() {
  std::vector<std::string> names;
  Dl_info libtorch;
  void* const function = dlsym(RTLD_DEFAULT, "aoti_torch_abi_version");
  if (function != nullptr && dladdr(function, &libtorch) != 0) {
    const std::string file = libtorch.dli_fname;
    names.push_back(file.substr(0, file.rfind('/') + 1) + "libcaffe2_nvrtc.so");
  }
  names.insert(names.end(), {"libnvrtc.so.13", "libnvrtc.so.12"});
  return names;
}

}  // namespace

struct Nvrtc::ProgramCloser {
  int (*destroy)(Program*);
  void operator()(Program program) const { destroy(&program); }
};

Nvrtc::Nvrtc() : library_(Names()) {
  library_.Find("nvrtcGetErrorString", error_);
  library_.Find("nvrtcVersion", version_);
  library_.Find("nvrtcGetNumSupportedArchs", count_architectures_);
  library_.Find("nvrtcGetSupportedArchs", architectures_);
  library_.Find("nvrtcCreateProgram", create_);
  library_.Find("nvrtcDestroyProgram", destroy_);
  library_.Find("nvrtcCompileProgram", compile_);
  library_.Find("nvrtcGetProgramLogSize", log_size_);
  library_.Find("nvrtcGetProgramLog", log_);
  library_.Find("nvrtcGetCUBINSize", cubin_size_);
  library_.Find("nvrtcGetCUBIN", cubin_);
  library_.Find("nvrtcGetPTXSize", ptx_size_);
  library_.Find("nvrtcGetPTX", ptx_);
}

void Nvrtc::Check(int result, const char* what) const {
  if (result != 0) throw std::runtime_error(std::string(what) + ": " + error_(result));
}

std::string Nvrtc::ArchitectureFor(int capability) const {
  int count = 0;
  Check(count_architectures_(&count), "nvrtcGetNumSupportedArchs");
  std::vector<int> known(count);
  Check(architectures_(known.data()), "nvrtcGetSupportedArchs");
  int newest = 0;
  for (const int one : known) {
    if (one <= capability) newest = std::max(newest, one);
  }
  if (newest == 0) {
    throw std::runtime_error("NVRTC compiles for newer GPUs only than compute capability " +
                             std::to_string(capability / 10) + "." +
                             std::to_string(capability % 10));
  }
  return (newest == capability ? "sm_" : "compute_") + std::to_string(newest);
}

std::string Nvrtc::KeyOf(const char* source, int capability) const {
  int major = 0;
  int minor = 0;
  Check(version_(&major, &minor), "nvrtcVersion");
  std::vector<std::string> texts = {source, kHeader};
  texts.insert(texts.end(), kOptions.begin(), kOptions.end());
  std::ostringstream key;
  key << ArchitectureFor(capability) << "-nvrtc" << major << '.' << minor << '-' << std::hex
      << std::setfill('0') << std::setw(16) << HashOf(texts);
  return key.str();
}

template <typename Size, typename Get>
std::string Nvrtc::Read(Program program, Size size, Get get) const {
  size_t length = 0;
  Check(size(program, &length), "NVRTC's answer");
  std::string text(length, '\0');
  Check(get(program, text.data()), "NVRTC's answer");
  return text;
}

std::string Nvrtc::Compile(const char* source, int capability) const {
  Program made = nullptr;
  Check(create_(&made, source, "kernel.cu", 1, &kHeader, &kHeaderName), "nvrtcCreateProgram");
  const std::unique_ptr<void, ProgramCloser> program(made, {destroy_});
  const std::string architecture = "-arch=" + ArchitectureFor(capability);
  std::vector<const char*> options(kOptions.begin(), kOptions.end());
  options.push_back(architecture.c_str());
  if (compile_(made, static_cast<int>(options.size()), options.data()) != 0) {
    throw std::runtime_error("NVRTC refuses the kernel: " + Read(made, log_size_, log_));
  }
  const bool is_machine_code = architecture.rfind("-arch=sm_", 0) == 0;
  return is_machine_code ? Read(made, cubin_size_, cubin_) : Read(made, ptx_size_, ptx_);
}

}  // namespace torchgraft
