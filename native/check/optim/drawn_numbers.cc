#include "check/optim/drawn_numbers.h"

#include <ATen/Functions.h>

namespace torchgraft {

namespace {

// Integers of 32 bits from a name and a place.
uint32_t Draw(const std::string& name, uint32_t place) {
  uint32_t seed = 2166136261;
  for (const char byte : name) seed = (seed ^ static_cast<uint8_t>(byte)) * 16777619;
  uint32_t x = place * 2654435761 + seed;
  x = (x ^ (x >> 16)) * 0x85EBCA6B;
  x = (x ^ (x >> 13)) * 0xC2B2AE35;
  return x ^ (x >> 16);
}

}  // namespace

at::Tensor DrawnNumbers(const std::string& name, int64_t count, double factor) {
  const auto numbers = at::empty({count}, at::kDouble);
  auto* data = numbers.data_ptr<double>();
  for (int64_t i = 0; i < count; ++i)
    data[i] = (Draw(name, static_cast<uint32_t>(i)) / 2147483648.0 - 1) * factor;
  return numbers.to(at::kFloat);
}

}  // namespace torchgraft
