# Kernels by instruction set, chosen at run time (isa/level_table.h). README.md beside this file says how to add one.

set(CPU_LEVELS scalar avx2 avx512 avx512_bf16 amx)  # CpuLevel, in its order
set(FLAGS_scalar "")
set(FLAGS_avx2 -mavx2 -mfma -mf16c)
set(FLAGS_avx512 ${FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 warns of its own header's undefined vectors (its bug 105593).
  list(APPEND FLAGS_avx512 -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
set(FLAGS_avx512_bf16 ${FLAGS_avx512} -mavx512bf16)
set(FLAGS_amx ${FLAGS_avx512_bf16} -mamx-tile -mamx-bf16)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  set(COMPILED_LEVELS ${CPU_LEVELS})
else()
  set(COMPILED_LEVELS scalar)
endif()

# A product and a sum are rounded once only where a kernel says so, or the levels would differ. Kernels include no header of
# libtorch, and inline functions of those must not be compiled for some processors alone.
function(torchgraft_kernel_sources)
  set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -ffp-contract=off)
  set_property(SOURCE ${ARGN} PROPERTY SKIP_PRECOMPILE_HEADERS ON)
endfunction()

# torchgraft_kernel(NAME TYPE <C++ type> HEADER <file> BODY <file> LEVELS <level>...)
#
# Compiles BODY, which defines `kKernel` of TYPE, for each of LEVELS that the target has, and fills in the LevelTable<TYPE> that
# HEADER declares: of batch_norm kBatchNorm. Adds all of it to torchgraft_torch.
function(torchgraft_kernel NAME)
  cmake_parse_arguments(PARSE_ARGV 1 KERNEL "" "TYPE;HEADER;BODY" "LEVELS")
  string(REPLACE "_" ";" WORDS "${NAME}")
  set(TABLE k)
  foreach(WORD ${WORDS})
    string(SUBSTRING "${WORD}" 0 1 FIRST)
    string(SUBSTRING "${WORD}" 1 -1 REST)
    string(TOUPPER "${FIRST}" FIRST)
    string(APPEND TABLE "${FIRST}${REST}")
  endforeach()
  set(FOLDER "${CMAKE_BINARY_DIR}/kernels")
  set(DECLARATIONS "")
  set(ENTRIES "")
  foreach(LEVEL ${CPU_LEVELS})
    if(LEVEL IN_LIST KERNEL_LEVELS AND LEVEL IN_LIST COMPILED_LEVELS)
      set(SYMBOL "${TABLE}_${LEVEL}")
      set(SOURCE "${FOLDER}/${NAME}_${LEVEL}.cc")
      configure_file(native/torch/kernels/isa/level.cc.in "${SOURCE}" @ONLY)
      torchgraft_kernel_sources("${SOURCE}")
      set_property(SOURCE "${SOURCE}" APPEND PROPERTY COMPILE_OPTIONS ${FLAGS_${LEVEL}})
      target_sources(torchgraft_torch PRIVATE "${SOURCE}")
      string(APPEND DECLARATIONS "\nextern const ${KERNEL_TYPE} ${SYMBOL};")
      list(APPEND ENTRIES "&${SYMBOL}")
    else()
      list(APPEND ENTRIES nullptr)
    endif()
  endforeach()
  string(REPLACE ";" ", " ENTRIES "${ENTRIES}")
  configure_file(native/torch/kernels/isa/level_table.cc.in "${FOLDER}/${NAME}.cc" @ONLY)
  torchgraft_kernel_sources("${FOLDER}/${NAME}.cc")
  target_sources(torchgraft_torch PRIVATE "${FOLDER}/${NAME}.cc")
endfunction()

torchgraft_kernel(batch_norm TYPE NormKernelsByType LEVELS scalar avx2 avx512 avx512_bf16
  HEADER batch_norm/norm.h BODY batch_norm/norm_body.h)
torchgraft_kernel(sample TYPE SampleKernel LEVELS scalar avx2 avx512
  HEADER sample/sample.h BODY sample/sample_body.h)
torchgraft_kernel(resample TYPE ResampleKernel LEVELS scalar avx2 avx512
  HEADER resample/resample.h BODY resample/resample_body.h)
torchgraft_kernel(pointwise_fp32 TYPE PointwiseKernel<float> LEVELS avx2 avx512
  HEADER conv1x1/pointwise.h BODY conv1x1/pointwise_body.h)
torchgraft_kernel(pointwise_bf16 TYPE PointwiseKernel<uint16_t> LEVELS avx512_bf16
  HEADER conv1x1/pointwise.h BODY conv1x1/pointwise_body.h)
torchgraft_kernel(tiled_pointwise TYPE TiledPointwiseKernel LEVELS amx
  HEADER conv1x1/pointwise.h BODY conv1x1/tiled_body.h)
torchgraft_kernel(pointwise_gradient_fp32 TYPE PointwiseGradientKernel<float> LEVELS avx2
  HEADER conv1x1/weight_grad/weight_grad.h BODY conv1x1/weight_grad/fp32_body.h)
torchgraft_kernel(pointwise_gradient_bf16 TYPE PointwiseGradientKernel<uint16_t> LEVELS amx
  HEADER conv1x1/weight_grad/weight_grad.h BODY conv1x1/weight_grad/tiled_body.h)
torchgraft_kernel(grouped_conv_fp32 TYPE GroupedConvKernel<float> LEVELS avx2
  HEADER conv3x3_grouped/grouped_conv.h BODY conv3x3_grouped/fp32_body.h)
torchgraft_kernel(grouped_conv_bf16 TYPE GroupedConvKernel<uint16_t> LEVELS avx512_bf16 amx
  HEADER conv3x3_grouped/grouped_conv.h BODY conv3x3_grouped/bf16_body.h)

file(GLOB_RECURSE KERNEL_SOURCES CONFIGURE_DEPENDS native/torch/kernels/*.cc native/torch/cuda/kernels/render_on_host.cc)
torchgraft_kernel_sources(${KERNEL_SOURCES} ${KERNEL_TEXTS})
