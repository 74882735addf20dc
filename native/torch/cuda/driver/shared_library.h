#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// A library opened by dlopen and never closed: its code may run until the process ends.
class SharedLibrary {
 public:
  // The first of these that is loaded already, else the first that can be opened. Throws
  // std::runtime_error with the system's reason.
  explicit SharedLibrary(const std::vector<std::string>& names);

  // Throws std::runtime_error where neither the library nor its dependencies have the function.
  template <typename Function>
  void Find(const char* name, Function& function) const {
    function = reinterpret_cast<Function>(Find(name));
  }

 private:
  void* Find(const char* name) const;

  void* library_ = nullptr;
  std::string opened_;
};

}  // namespace torchgraft
