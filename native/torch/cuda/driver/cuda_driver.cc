#include "torch/cuda/driver/cuda_driver.h"

#include <stdexcept>
#include <string>

namespace torchgraft {

CudaDriver::CudaDriver() : library({"libcuda.so.1"}) {
  library.Find("cuInit", init);
  library.Find("cuGetErrorName", error_name);
  library.Find("cuDeviceGet", device_get);
  library.Find("cuDeviceGetAttribute", attribute);
  library.Find("cuMemGetInfo_v2", memory);
  library.Find("cuDevicePrimaryCtxRetain", retain_context);
  library.Find("cuDevicePrimaryCtxRelease_v2", release_context);
  library.Find("cuCtxPushCurrent_v2", push_context);
  library.Find("cuCtxPopCurrent_v2", pop_context);
  library.Find("cuModuleLoadData", load_module);
  library.Find("cuModuleUnload", unload_module);
  library.Find("cuModuleGetFunction", get_function);
  library.Find("cuLaunchKernel", launch);
  Check(init(0), "cuInit");
}

void CudaDriver::Check(int result, const char* what) const {
  if (result == 0) return;
  const char* name = nullptr;
  if (error_name(result, &name) != 0 || name == nullptr) name = "an unknown error";
  throw std::runtime_error(std::string(what) + ": " + name);
}

}  // namespace torchgraft
