// A program for the tests: works parts of the engine alone, without a model, and prints what came
// of it as JSON. Those that are called speed are not run by the tests: they print CSV, or times.
//
//   engine_check adam adam|adamw STEPS
//   engine_check scaler INIT GROWTH BACKOFF INTERVAL SCRIPT    f: finite gradients, i: one is not
//   engine_check actions ACTION...                             unscale, step, update
//   engine_check autocast
//   engine_check casts MODEL...
//   engine_check arena STEPS SEED
//   engine_check threads THREADS COUNT GRAIN
//   engine_check norm fp32|bf16 NxCxHxW...
//   engine_check norm-kernels fp32|bf16|fp16 NxCxHxW...    what runs on a GPU, here
//   engine_check excitation fp32|bf16 NxCxHxW...
//   engine_check excitation-kernels fp32|bf16|fp16 NxCxHxW...
//   engine_check convolutions
//   engine_check folding fp32|bf16 MODEL...
//   engine_check fused-choice
//   engine_check recorded NxSIZE...
//   engine_check rounded N...
//   engine_check refolded
//   engine_check cudnn-benchmark
//   engine_check render SEED
//   engine_check resample SEED
//   engine_check render-kernel SEED [cuda]    what runs on a GPU, here or there
//   engine_check nvrtc CAPABILITY...          90: 9.0
//   engine_check kernel-cache
//   engine_check kernel-speed
//   engine_check render-speed [cuda]          of a batch of 128
//   engine_check folded-speed cpu|cuda:0 fp32|bf16|fp16 MODEL N SIZE
//   engine_check convolution-speed fp32|bf16 GROUP_WIDTH...
//   engine_check pointwise-speed fp32|bf16 THREADS [warm|cold [IN OUT SIDE STRIDE]]

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "check/arena_check.h"
#include "check/conv/convolution_check.h"
#include "check/conv/convolution_speed.h"
#include "check/conv/pointwise_speed.h"
#include "check/cuda/kernel_cache_check.h"
#include "check/cuda/nvrtc_check.h"
#include "check/images/render_check.h"
#include "check/images/render_kernel_check.h"
#include "check/images/render_speed.h"
#include "check/images/resample_check.h"
#include "check/norm/excitation_check.h"
#include "check/norm/norm_check.h"
#include "check/optim/autocast_check.h"
#include "check/optim/cast_check.h"
#include "check/optim/optimizer_check.h"
#include "check/scoring/folded_speed.h"
#include "check/scoring/folding_check.h"
#include "check/scoring/recorded_check.h"
#include "check/threads_check.h"

namespace torchgraft {

namespace {

struct Check {
  const char* name;
  void (*run)(const std::vector<std::string>& arguments);
};

constexpr Check kChecks[] = {
    {"adam", CheckAdam},
    {"scaler", CheckScaler},
    {"actions", CheckActions},
    {"autocast", CheckAutocast},
    {"casts", CheckCasts},
    {"arena", CheckArena},
    {"threads", CheckThreads},
    {"norm", CheckNorm},
    {"norm-kernels", CheckNormOfGpu},
    {"excitation", CheckExcitation},
    {"excitation-kernels", CheckExcitationOfGpu},
    {"convolutions", CheckConvolutions},
    {"folding", CheckFolding},
    {"fused-choice", CheckFusedChoice},
    {"recorded", CheckRecorded},
    {"rounded", CheckRounded},
    {"refolded", CheckRefolded},
    {"cudnn-benchmark", CheckCudnnBenchmark},
    {"render", CheckRender},
    {"resample", CheckResample},
    {"render-kernel", CheckRenderKernel},
    {"nvrtc", CheckNvrtc},
    {"kernel-cache", CheckKernelCache},
    {"kernel-speed", TimeKernels},
    {"render-speed", TimeRender},
    {"folded-speed", TimeFolded},
    {"convolution-speed", TimeConvolutions},
    {"pointwise-speed", TimePointwise},
};

void Run(const std::string& name, const std::vector<std::string>& arguments) {
  for (const Check& check : kChecks)
    if (check.name == name) return check.run(arguments);
  throw std::invalid_argument("There is no check " + name);
}

}  // namespace

}  // namespace torchgraft

int main(int count, char** arguments) {
  try {
    const std::string check = count > 1 ? arguments[1] : "";
    torchgraft::Run(check, {arguments + std::min(count, 2), arguments + count});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
