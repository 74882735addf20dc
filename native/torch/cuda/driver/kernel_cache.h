#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace torchgraft {

// What a kernel's source was compiled to. The key tells all that decides it, and may be a file's
// name.
struct CompiledKernel {
  std::string key;
  std::string code;
};

// Kernels that earlier sessions have compiled, for a session that is being made, and those that it
// compiles itself, which TypeScript writes to disk. Any thread may use it.
class KernelCache {
 public:
  explicit KernelCache(std::vector<CompiledKernel> known = {});

  // Its code; null where it is not known.
  const std::string* Find(const std::string& key) const;

  // Takes in what was compiled.
  void Add(CompiledKernel kernel);

  // What was taken in.
  std::vector<CompiledKernel> added() const;

 private:
  std::map<std::string, std::string> known_;
  mutable std::mutex mutex_;
  std::vector<CompiledKernel> added_;  // guarded by mutex_
};

}  // namespace torchgraft
