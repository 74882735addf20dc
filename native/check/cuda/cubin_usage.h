#pragma once

#include <map>
#include <string>

namespace torchgraft {

struct KernelUsage {
  unsigned registers;    // of a thread
  unsigned stack_bytes;  // of a thread: what its registers cannot hold
};

// What each kernel of a CUBIN takes, by name.
std::map<std::string, KernelUsage> UsageOf(const std::string& cubin);

}  // namespace torchgraft
