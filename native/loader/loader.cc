// The loader addon: opens one libtorch, by its absolute path, before the main addon can bind to
// another.

#include <dlfcn.h>
#include <napi.h>

#include <memory>
#include <string>
#include <utility>

namespace {

// aoti_torch_abi_version() returns 0xMMmmpp…: major, minor and patch in the three highest bytes.
using AbiVersion = uint64_t (*)();

std::string LastError() {
  const char* reason = dlerror();
  return reason ? reason : "no reason given";
}

Napi::Value OpenLibtorch(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (info.Length() < 1 || !info[0].IsString())
    throw Napi::TypeError::New(env, "Expected the path of libtorch");
  const std::string file = info[0].As<Napi::String>();

  // Never closed: its code runs until the process ends. RTLD_GLOBAL, so that the main addon's
  // undefined symbols bind to this copy and no other.
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!library) throw Napi::Error::New(env, LastError());
  const auto abi_version = reinterpret_cast<AbiVersion>(dlsym(library, "aoti_torch_abi_version"));
  if (!abi_version) throw Napi::Error::New(env, "it is no libtorch, or one from before 2.0");
  const uint64_t version = abi_version();
  return Napi::String::New(
      env, std::to_string(version >> 56) + "." + std::to_string(version >> 48 & 0xff));
}

// Opens libtorch on a libuv thread, while JavaScript goes on. OpenLibtorch then finds it loaded, or
// waits for the dynamic linker's lock; errors are reported there.
class Preload : public Napi::AsyncWorker {
 public:
  Preload(Napi::Env env, std::string file)
      : AsyncWorker(env, "torchgraft.preload"), file_(std::move(file)), done_(env) {}

  Napi::Promise done() const { return done_.Promise(); }

 protected:
  void Execute() override { dlopen(file_.c_str(), RTLD_NOW | RTLD_GLOBAL); }
  void OnOK() override { done_.Resolve(Env().Undefined()); }

 private:
  std::string file_;
  Napi::Promise::Deferred done_;
};

Napi::Value PreloadLibtorch(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (info.Length() < 1 || !info[0].IsString())
    throw Napi::TypeError::New(env, "Expected the path of libtorch");
  auto worker = std::make_unique<Preload>(env, info[0].As<Napi::String>());
  const auto done = worker->done();
  worker.release()->Queue();  // it deletes itself when it is done
  return done;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports["openLibtorch"] = Napi::Function::New<OpenLibtorch>(env, "openLibtorch");
  exports["preloadLibtorch"] = Napi::Function::New<PreloadLibtorch>(env, "preloadLibtorch");
  return exports;
}

}  // namespace

NODE_API_MODULE(torchgraft_loader, Init)
