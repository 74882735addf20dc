#pragma once

// From pixels to what lies between them, where plans snap: divided by 255 before they are blended,
// of a blend the second product rounded, and the rest rounded once. For kernels' bodies, whose
// colours they are.

namespace torchgraft {

namespace {

#if defined(__AVX2__) || defined(__CUDACC__)

// The nearest to 1 / 255, and what it lacks.
constexpr float kShare = 1.0f / 255;
constexpr float kRest = static_cast<float>(1.0 / 255 - static_cast<double>(kShare));

constexpr bool DividesEachByte() {
  for (int byte = 0; byte < 256; ++byte) {
    const auto whole = static_cast<float>(byte);
    const double sum = static_cast<double>(whole) * kShare + whole * kRest;
    if (static_cast<float>(sum) != whole / 255) return false;
  }
  return true;
}

// From 0–255 to 0–1, as a division rounds it and without one.
template <typename Colour>
Colour Unit(Colour bytes) {
  static_assert(DividesEachByte());
  return FusedMulAdd(bytes, Colour::Broadcast(kShare), bytes * Colour::Broadcast(kRest));
}

#else

template <typename Colour>
Colour Unit(Colour bytes) {
  return bytes / Colour::Broadcast(255);
}

#endif

template <typename Colour>
Colour Blend(Colour first, float first_weight, Colour second, float second_weight) {
  return FusedMulAdd(first, Colour::Broadcast(first_weight),
                     second * Colour::Broadcast(second_weight));
}

}  // namespace

}  // namespace torchgraft
