// A library in the place of NVIDIA's driver, libcuda.so.1, for the tests: one GPU of compute
// capability 9.0, which loads machine code and finds kernels in it, and runs nothing. A module is a
// copy of its code.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

namespace {

constexpr int kInvalidImage = 200;
constexpr int kNotFound = 500;
constexpr int kCapabilityMajor = 75;

char context;

// An ELF file's header, as far as it tells the file's length.
struct ElfHeader {
  char magic[4];
  char unused[28];
  uint64_t programs_at, sections_at;
  uint32_t flags;
  uint16_t size, program_size, programs, section_size, sections;
};

}  // namespace

extern "C" {

int cuInit(unsigned) { return 0; }

// NVRTC 13 asks for it, and goes on without.
int cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return kNotFound;
}

int cuGetErrorName(int, const char** name) {
  *name = "CUDA_ERROR_OF_THE_STAND_IN";
  return 0;
}

int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == kCapabilityMajor ? 9 : 0;
  return 0;
}

int cuDevicePrimaryCtxRetain(void** retained, int) {
  *retained = &context;
  return 0;
}

int cuDevicePrimaryCtxRelease_v2(int) { return 0; }

int cuCtxPushCurrent_v2(void*) { return 0; }

int cuCtxPopCurrent_v2(void** popped) {
  *popped = &context;
  return 0;
}

int cuModuleLoadData(void** module, const void* image) {
  if (std::memcmp(image,
                  "\x7f"
                  "ELF",
                  4) != 0)
    return kInvalidImage;
  ElfHeader header;
  std::memcpy(&header, image, sizeof(header));
  const uint64_t length = std::max(header.programs_at + header.programs * header.program_size,
                                   header.sections_at + header.sections * header.section_size);
  *module = new std::string(static_cast<const char*>(image), length);
  return 0;
}

int cuModuleUnload(void* module) {
  delete static_cast<std::string*>(module);
  return 0;
}

int cuModuleGetFunction(void** function, void* module, const char* name) {
  if (static_cast<std::string*>(module)->find(name) == std::string::npos) return kNotFound;
  *function = module;
  return 0;
}

int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                   void*, void**, void**) {
  return 0;
}

}  // extern "C"
