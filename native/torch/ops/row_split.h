#pragma once

#include <ATen/Parallel.h>
#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace torchgraft {

// Calls function(begin, end) for parts of 0 to `count`, of `grain_size` or more, on the threads of
// libtorch, and split as at::parallel_for splits them. at::parallel_for itself is compiled where it
// is called, and runs everything on one thread, without a word, unless that compiler is told of
// OpenMP; one that is calls the runtime by the names of its own, which libtorch's may not have.
// Here libtorch's own code starts the threads, whatever compiles this.
void ParallelFor(int64_t count, int64_t grain_size,
                 c10::function_ref<void(int64_t begin, int64_t end)> function);

// A static partition of rows into one part a thread, by their numbers alone (no work stealing): so
// sums over rows are deterministic.
class RowSplit {
 public:
  explicit RowSplit(int64_t rows) : rows_(rows), parts_(at::get_num_threads()) {}

  int64_t parts() const { return parts_; }

  // function(part, first row, the one after the last), on the threads of libtorch.
  template <typename Function>
  void Each(const Function& function) const {
    ParallelFor(parts_, /*grain_size=*/1, [&](int64_t first, int64_t last) {
      for (int64_t part = first; part < last; ++part)
        function(part, rows_ * part / parts_, rows_ * (part + 1) / parts_);
    });
  }

 private:
  int64_t rows_;
  int64_t parts_;
};

}  // namespace torchgraft
