#pragma once

#include <ATen/Context.h>

namespace torchgraft {

// PyTorch's torch.backends.cudnn.benchmark, on or off for as long as this lives. The setting is the
// process's, for the threads of the backward pass too.
class CudnnBenchmark {
 public:
  explicit CudnnBenchmark(bool on) : before_(at::globalContext().benchmarkCuDNN()) {
    at::globalContext().setBenchmarkCuDNN(on);
  }
  ~CudnnBenchmark() { at::globalContext().setBenchmarkCuDNN(before_); }

  CudnnBenchmark(const CudnnBenchmark&) = delete;
  CudnnBenchmark& operator=(const CudnnBenchmark&) = delete;

 private:
  bool before_;
};

}  // namespace torchgraft
