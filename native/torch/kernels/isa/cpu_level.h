#pragma once

namespace torchgraft {

// Instructions that kernels are compiled for, each with those before it. Other processors than
// x86-64 are kScalar.
enum class CpuLevel {
  kScalar,
  kAvx2,        // AVX2 with FMA and F16C
  kAvx512,      // AVX-512 F, BW, DQ and VL
  kAvx512Bf16,  // and its bf16 dot products
  kAmx,         // and its matrix products of bf16 tiles
};

// The highest that this processor and its system have. ATEN_CPU_CAPABILITY (default, avx2, avx512)
// holds it down as it holds down libtorch's own kernels; avx512 has no tiles.
CpuLevel BestCpuLevel();

}  // namespace torchgraft
