#include "torch/ops/row_split.h"

#include <ATen/EmptyTensor.h>
#include <ATen/TensorIterator.h>

namespace torchgraft {

void ParallelFor(int64_t count, int64_t grain_size,
                 c10::function_ref<void(int64_t begin, int64_t end)> function) {
  // What at::parallel_for would run on one thread too, said by the grain size.
  if (count <= grain_size || count <= 1 || at::get_num_threads() == 1 || at::in_parallel_region())
    return at::parallel_for(0, count, /*grain_size=*/count, function);
  // TensorIterator splits elementwise operators over threads inside libtorch. Here it iterates over
  // `count` bytes that are neither read nor written: a byte's address gives its index. Takes half a
  // microsecond more than at::parallel_for.
  const at::TensorBase places = at::detail::empty_cpu({count}, at::kByte);
  const auto* const first = static_cast<const char*>(places.const_data_ptr());
  auto iterator = at::TensorIteratorConfig().add_borrowed_const_input(places).build();
  const auto loop = [&](char** data, const int64_t*, int64_t inner, int64_t outer) {
    const int64_t begin = data[0] - first;
    function(begin, begin + inner * outer);
  };
  iterator.for_each(loop, grain_size);
}

}  // namespace torchgraft
