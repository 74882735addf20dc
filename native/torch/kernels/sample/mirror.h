#pragma once

#include <cstdint>

namespace torchgraft {

namespace {

// … c b a | a b c … c | c b a …, as often as it takes.
[[maybe_unused]] int64_t Mirror(int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  if (i < 0) i = -1 - i;
  const int64_t period = 2 * n;
  if (i >= period) i %= period;  // far outside
  return i < n ? i : period - 1 - i;
}

}  // namespace

}  // namespace torchgraft
