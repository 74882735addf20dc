#pragma once

#include <string>
#include <vector>

namespace torchgraft {

// A library opened at run time and kept open for good: code of it may run until the process ends.
class SharedLibrary {
 public:
  // The first of these that is in the process already, else the first that can be opened. Throws
  // std::runtime_error with the system's reason.
  explicit SharedLibrary(const std::vector<std::string>& names);

  // Throws std::runtime_error where there is no such function, there or in what it needs.
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
