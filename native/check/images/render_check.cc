#include "check/images/render_check.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include "torch/augment/render.h"

namespace torchgraft {

namespace {

constexpr int kImages = 60;
constexpr int kOutput = 21;  // no multiple of a vector's length

double Between(std::mt19937& random, double least, double most) {
  return least + (most - least) * (static_cast<double>(random()) / 4294967296.0);
}

void SetPlan(std::mt19937& random, int kind, double width, double height, double* plan) {
  const bool turned = kind % 2 != 0;
  const double size = kOutput;
  plan[0] = Between(random, -2, 2) * width / size;
  plan[1] = turned ? Between(random, -2, 2) * width / size : 0;
  plan[2] = Between(random, -1, 1.5) * width;
  plan[3] = turned ? Between(random, -2, 2) * height / size : 0;
  plan[4] = Between(random, -2, 2) * height / size;
  plan[5] = Between(random, -1, 1.5) * height;
  plan[6] = kind % 3 == 0 ? 1 : 0;  // nearest
  plan[7] = kind % 5 < 2 ? 1 : 0;   // a colour around it
  for (int i = 8; i < 11; ++i) plan[i] = Between(random, 0, 1);
  plan[19] = kind % 7 < 3 ? 1 : 0;  // a colour matrix
  for (int i = 20; i < 32; ++i) plan[i] = Between(random, -0.5, 1);
}

// FNV-1a.
uint64_t Digest(const at::Tensor& tensor) {
  const auto* bytes = static_cast<const uint8_t*>(tensor.const_data_ptr());
  uint64_t digest = 14695981039346656037u;
  for (size_t i = 0; i < tensor.nbytes(); ++i) digest = (digest ^ bytes[i]) * 1099511628211u;
  return digest;
}

}  // namespace

Images MakeImages(uint32_t seed) {
  std::mt19937 random(seed);
  Images images;
  images.output = kOutput;
  images.mean = {0.485, 0.456, 0.406};
  images.std = {0.229, 0.224, 0.225};
  images.plans.resize(kImages * kPlanLength);
  std::vector<uint8_t> pixels;
  for (int i = 0; i < kImages; ++i) {
    const auto height = static_cast<int32_t>(1 + random() % 40);
    const auto width = static_cast<int32_t>(1 + random() % 40);
    images.shapes.insert(images.shapes.end(), {height, width});
    for (int k = 0; k < height * width * 3; ++k) pixels.push_back(random() & 255);
    SetPlan(random, i, width, height, images.plans.data() + i * kPlanLength);
  }
  std::copy(pixels.begin(), pixels.end(), images.pixels.Resize(pixels.size()));
  return images;
}

void CheckRender(const std::vector<std::string>& arguments) {
  const auto images = MakeImages(static_cast<uint32_t>(std::stoul(arguments.at(0))));
  CheckImages(images);
  const auto floats = RenderBatch(images, at::kFloat);
  std::printf("{\"float\":\"%016llx\"", static_cast<unsigned long long>(Digest(floats)));
  for (const auto& [name, type] : {std::pair{"bfloat16", at::kBFloat16}, {"half", at::kHalf}}) {
    const auto pixels = RenderBatch(images, type);
    std::printf(",\"%s\":\"%016llx\",\"%sIsRounded\":%s", name,
                static_cast<unsigned long long>(Digest(pixels)), name,
                pixels.equal(floats.to(type)) ? "true" : "false");
  }
  std::printf("}\n");
}

}  // namespace torchgraft
