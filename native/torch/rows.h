#pragma once

#include <ATen/Parallel.h>

#include <cstdint>

// Without it ATen/Parallel.h runs everything on one thread, and says nothing.
#if AT_PARALLEL_OPENMP && !defined(_OPENMP) && !defined(__APPLE__)
#error "Compile with -fopenmp"
#endif

namespace torchgraft {

// Rows shared out among the threads by their count alone, never by who is done first: so sums are
// the same each time.
class RowSplit {
 public:
  explicit RowSplit(int64_t rows) : rows_(rows), parts_(at::get_num_threads()) {}

  int64_t parts() const { return parts_; }

  // function(part, first row, the one after the last), on the threads of libtorch.
  template <typename Function>
  void Each(const Function& function) const {
    at::parallel_for(0, parts_, /*grain_size=*/1, [&](int64_t first, int64_t last) {
      for (int64_t part = first; part < last; ++part)
        function(part, rows_ * part / parts_, rows_ * (part + 1) / parts_);
    });
  }

 private:
  int64_t rows_;
  int64_t parts_;
};

}  // namespace torchgraft
