#include "torch/cuda/driver/shared_library.h"

#include <dlfcn.h>

#include <stdexcept>

namespace torchgraft {

SharedLibrary::SharedLibrary(const std::vector<std::string>& names) {
  std::string reasons;
  for (const int more : {RTLD_NOLOAD, 0}) {
    for (const auto& name : names) {
      library_ = dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL | more);
      if (library_ != nullptr) {
        opened_ = name;
        return;
      }
      const char* const reason = dlerror();
      if (more == 0) reasons += (reasons.empty() ? "" : "; ") + (reason ? reason : name);
    }
  }
  throw std::runtime_error(reasons);
}

void* SharedLibrary::Find(const char* name) const {
  void* const function = dlsym(library_, name);
  if (function == nullptr) throw std::runtime_error(opened_ + " has no " + name);
  return function;
}

}  // namespace torchgraft
