#pragma once

// For kernels' bodies: see vec.h.

#include <cstdint>

namespace torchgraft {

namespace {

// Rows made from those of a source: the last two, since the next row of the output mostly lies
// between them too.
class LastTwoRows {
 public:
  LastTwoRows(float* first, float* second) : rows_{first, second} {}

  // make(source, row) where there is none of it. Good until two others have been asked for.
  template <typename Make>
  const float* Of(const uint8_t* source, const Make& make) {
    for (int i = 0; i < 2; ++i) {
      if (made_[i] && sources_[i] == source) {
        last_ = i;
        return rows_[i];
      }
    }
    last_ = 1 - last_;
    made_[last_] = true;
    sources_[last_] = source;
    make(source, rows_[last_]);
    return rows_[last_];
  }

 private:
  float* rows_[2];
  const uint8_t* sources_[2] = {};
  bool made_[2] = {};
  int last_ = 0;
};

}  // namespace

}  // namespace torchgraft
