#include "check/images/render_speed.h"

#include <ATen/Functions.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <random>
#include <vector>

#include "check/milliseconds.h"
#include "torch/augment/render.h"
#include "torch/augment/render_device.h"
#include "torch/augment/render_operators.h"

namespace torchgraft {

namespace {

constexpr int kImages = 128;
constexpr int kHeight = 320;
constexpr int kWidth = 427;
constexpr int kOutput = 224;
constexpr int kTimes = 20;

Images MakeBatch(bool snaps) {
  std::mt19937 random(1);
  Images images;
  images.output = kOutput;
  images.mean = {0.485, 0.456, 0.406};
  images.std = {0.229, 0.224, 0.225};
  constexpr size_t kBytes = static_cast<size_t>(kImages) * kHeight * kWidth * 3;
  std::generate_n(images.pixels.Resize(kBytes), kBytes, std::ref(random));
  images.plans.resize(kImages * kPlanLength);
  for (int i = 0; i < kImages; ++i) {
    images.shapes.insert(images.shapes.end(), {kHeight, kWidth});
    double* plan = images.plans.data() + i * kPlanLength;
    const double turned = snaps ? 0.1 * (static_cast<double>(random() % 200) / 100 - 1) : 0;
    const double scale = snaps ? 1 : 1.2;
    plan[0] = plan[4] = scale;
    plan[1] = turned;
    plan[3] = -turned;
    plan[2] = static_cast<double>(random() % 100);
    plan[5] = static_cast<double>(random() % 40);
    if (!snaps) continue;
    plan[2] = plan[5] = 0;
    plan[7] = 1;
    plan[11] = plan[12] = kOutput;
    plan[13] = static_cast<double>(kWidth) / kOutput;
    plan[17] = static_cast<double>(kHeight) / kOutput;
    plan[19] = 1;
    plan[20] = plan[25] = plan[30] = 1.1;
  }
  return images;
}

// The best of several, each of many.
double Each(at::Device device, const std::function<void()>& work) {
  const auto wait = [&] {
    if (device.is_cpu()) return;
    const c10::impl::VirtualGuardImpl guard(device.type());
    guard.synchronizeStream(guard.getStream(device));
  };
  work();
  wait();
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    best = std::min(best, Milliseconds([&] {
                      for (int k = 0; k < kTimes; ++k) work();
                      wait();
                    }));
  }
  return best / kTimes;
}

}  // namespace

void TimeRender(const std::vector<std::string>& arguments) {
  const at::Device device(arguments.empty() ? "cpu" : arguments[0]);
  at::set_num_threads(std::max(2, at::get_num_threads()));  // by the clock on the wall
  std::printf("{\"images\":%d", kImages);
  for (const bool snaps : {false, true}) {
    const auto images = MakeBatch(snaps);
    const char* const plans = snaps ? "snapped" : "cropped";
    if (device.is_cpu()) {
      std::printf(",\"%s\":%.3f", plans, Each(device, [&] { RenderBatch(images, at::kBFloat16); }));
      continue;
    }
    KernelCache cache;
    std::optional<DeviceRenderer> renderer;
    const double compiling = Milliseconds([&] {
      renderer.emplace(device, cache);
      renderer->note();  // waits
    });
    if (!renderer->note().empty()) throw std::runtime_error(renderer->note());
    const auto uploaded = renderer->Upload(images);
    const auto out = renderer->Render(images, at::kBFloat16);
    std::printf(
        ",\"%s\":{\"compile\":%.1f,\"upload\":%.3f,\"kernel\":%.3f,\"both\":%.3f,"
        "\"operations\":%.3f}",
        plans, compiling, Each(device, [&] { renderer->Upload(images); }),
        Each(device, [&] { renderer->RenderInto(out, images, uploaded); }),
        Each(device, [&] { renderer->RenderInto(out, images); }),
        Each(device, [&] { RenderBatchOn(device, images, at::kBFloat16); }));
  }
  std::printf("}\n");
}

}  // namespace torchgraft
