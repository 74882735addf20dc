#include "torch/cuda/driver/cuda_module.h"

#include <string>
#include <utility>

#include "torch/cuda/driver/nvrtc.h"

namespace torchgraft {

namespace {

// Of cuda.h.
constexpr int kMultiprocessors = 16;
constexpr int kCapabilityMajor = 75;
constexpr int kCapabilityMinor = 76;

// Makes a context current on this thread, for a scope.
class Current {
 public:
  Current(const CudaDriver& driver, CudaDriver::Context context) : driver_(driver) {
    driver_.Check(driver_.push_context(context), "cuCtxPushCurrent");
  }
  ~Current() {
    CudaDriver::Context popped;
    driver_.pop_context(&popped);
  }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

 private:
  const CudaDriver& driver_;
};

int CapabilityOf(const CudaDriver& driver, CudaDriver::Device device) {
  int major = 0;
  int minor = 0;
  driver.Check(driver.attribute(&major, kCapabilityMajor, device), "cuDeviceGetAttribute");
  driver.Check(driver.attribute(&minor, kCapabilityMinor, device), "cuDeviceGetAttribute");
  return 10 * major + minor;
}

}  // namespace

void CudaModule::ContextReleaser::operator()(CudaDriver::Context) const {
  driver->release_context(device);
}

void CudaModule::ModuleUnloader::operator()(CudaDriver::Module module) const {
  if (driver->push_context(context) != 0) return;
  driver->unload_module(module);
  CudaDriver::Context popped;
  driver->pop_context(&popped);
}

CudaModule::Context CudaModule::Retain(const CudaDriver& driver, int ordinal) {
  CudaDriver::Device device = 0;
  driver.Check(driver.device_get(&device, ordinal), "cuDeviceGet");
  CudaDriver::Context context = nullptr;
  driver.Check(driver.retain_context(&context, device), "cuDevicePrimaryCtxRetain");
  return {context, {&driver, device}};
}

CudaModule::Module CudaModule::Load(const CudaDriver& driver, const Context& context,
                                    const char* source, KernelCache& cache) {
  const Nvrtc nvrtc;
  const int capability = CapabilityOf(driver, context.get_deleter().device);
  const std::string key = nvrtc.KeyOf(source, capability);
  const Current current(driver, context.get());
  CudaDriver::Module module = nullptr;
  const std::string* const known = cache.Find(key);
  if (known == nullptr || driver.load_module(&module, known->data()) != 0) {
    std::string code = nvrtc.Compile(source, capability);
    driver.Check(driver.load_module(&module, code.data()), "cuModuleLoadData");
    cache.Add({key, std::move(code)});
  }
  return {module, {&driver, context.get()}};
}

CudaModule::CudaModule(int device, const char* source, KernelCache& cache)
    : context_(Retain(driver_, device)), module_(Load(driver_, context_, source, cache)) {
  driver_.Check(
      driver_.attribute(&multiprocessors_, kMultiprocessors, context_.get_deleter().device),
      "cuDeviceGetAttribute");
}

CudaFunction CudaModule::Find(const char* name) const {
  const Current current(driver_, context_.get());
  CudaFunction function = nullptr;
  driver_.Check(driver_.get_function(&function, module_.get(), name), "cuModuleGetFunction");
  return function;
}

void CudaModule::Launch(CudaFunction kernel, const Extent& grid, const Extent& block,
                        const void* argument, CudaDriver::Stream stream) const {
  const Current current(driver_, context_.get());
  void* arguments[] = {const_cast<void*>(argument)};
  driver_.Check(driver_.launch(kernel, grid[0], grid[1], grid[2], block[0], block[1], block[2],
                               /*shared_bytes=*/0, stream, arguments, /*extra=*/nullptr),
                "cuLaunchKernel");
}

int64_t CudaModule::FreeMemory() const {
  const Current current(driver_, context_.get());
  size_t free = 0;
  size_t total = 0;
  driver_.Check(driver_.memory(&free, &total), "cuMemGetInfo");
  return static_cast<int64_t>(free);
}

}  // namespace torchgraft
