#pragma once

#include <ATen/Parallel.h>

#include <ctime>
#include <functional>

namespace torchgraft {

// What work takes: by the clock on the wall where several threads work; on one thread its own time,
// which other programs on the machine do not count into.
inline double Milliseconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time;
    clock_gettime(at::get_num_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
  };
  const double begin = now();
  work();
  return now() - begin;
}

}  // namespace torchgraft
