#pragma once

namespace torchgraft {

// Instruction sets that kernels are compiled for, each with those before it. A processor that is
// not x86-64 has kScalar alone.
enum class CpuLevel {
  kScalar,
  kAvx2,        // AVX2 with FMA and F16C
  kAvx512,      // AVX-512 F, BW, DQ and VL
  kAvx512Bf16,  // and its bf16 dot products
  kAmx,         // and its matrix products of bf16 tiles
};

constexpr int kCpuLevels = 5;

// scalar, avx2, avx512, avx512_bf16, amx: as kernels.cmake and the files that it makes have them.
const char* CpuLevelName(CpuLevel level);

// The highest that this processor and its system have. ATEN_CPU_CAPABILITY (default, avx2, avx512)
// holds it down as it holds down libtorch's own kernels; avx512 has no tiles.
CpuLevel BestCpuLevel();

// Whether this processor and its system have AMX, however much ATEN_CPU_CAPABILITY holds down:
// oneDNN, which does not read that, uses it wherever it is.
bool HasAmx();

}  // namespace torchgraft
