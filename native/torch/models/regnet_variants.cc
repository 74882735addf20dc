#include "torch/models/regnet_variants.h"

#include <algorithm>
#include <cmath>

#include "torch/session/error.h"

namespace torchgraft {

namespace {

constexpr int64_t kWidthStep = 8;  // widths are multiples of it

// Block widths along the depth: a straight line, bent to powers of w_m, rounded to multiples of 8.
std::vector<int64_t> BlockWidths(const RegNetVariant& variant) {
  std::vector<int64_t> widths;
  for (int64_t j = 0; j < variant.depth; ++j) {
    // float, and half to even (std::nearbyint), as torch computes it
    const auto linear =
        static_cast<float>(j) * static_cast<float>(variant.w_a) + static_cast<float>(variant.w_0);
    const double power = std::nearbyint(std::log(linear / variant.w_0) / std::log(variant.w_m));
    const double width = variant.w_0 * std::pow(variant.w_m, power);
    widths.push_back(static_cast<int64_t>(std::nearbyint(width / kWidthStep)) * kWidthStep);
  }
  return widths;
}

// The multiple of divisor nearest to value, but never more than 10 % below it.
int64_t MakeDivisible(int64_t value, int64_t divisor) {
  const int64_t rounded = std::max(divisor, (value + divisor / 2) / divisor * divisor);
  return rounded < 0.9 * static_cast<double>(value) ? rounded + divisor : rounded;
}

}  // namespace

const std::vector<RegNetVariant>& RegNetVariants() {
  static const std::vector<RegNetVariant> variants{
      {"regnet_y_400mf", 16, 48, 27.89, 2.09, 8, 0.25},
      {"regnet_y_800mf", 14, 56, 38.84, 2.4, 16, 0.25},
      {"regnet_y_1_6gf", 27, 48, 20.71, 2.65, 24, 0.25},
      {"regnet_y_3_2gf", 21, 80, 42.63, 2.66, 24, 0.25},
      {"regnet_y_8gf", 17, 192, 76.82, 2.19, 56, 0.25},
      {"regnet_y_16gf", 18, 200, 106.23, 2.48, 112, 0.25},
      {"regnet_y_32gf", 20, 232, 115.89, 2.53, 232, 0.25},
      {"regnet_y_128gf", 27, 456, 160.83, 2.52, 264, 0.25},
      {"regnet_x_400mf", 22, 24, 24.48, 2.54, 16, 0},
      {"regnet_x_800mf", 16, 56, 35.73, 2.28, 16, 0},
      {"regnet_x_1_6gf", 18, 80, 34.01, 2.25, 24, 0},
      {"regnet_x_3_2gf", 25, 88, 26.31, 2.25, 48, 0},
      {"regnet_x_8gf", 23, 80, 49.56, 2.88, 120, 0},
      {"regnet_x_16gf", 22, 216, 55.59, 2.1, 128, 0},
      {"regnet_x_32gf", 23, 320, 69.86, 2.0, 168, 0},
  };
  return variants;
}

const RegNetVariant& FindVariant(const std::string& name) {
  for (const auto& variant : RegNetVariants()) {
    if (name == variant.name) return variant;
  }
  throw CodedError("ERR_MODEL_UNKNOWN", "There is no model " + name);
}

std::vector<RegNetStage> Stages(const RegNetVariant& variant) {
  std::vector<RegNetStage> stages;
  int64_t previous = 0;
  for (const int64_t width : BlockWidths(variant)) {
    if (width != previous) stages.push_back({0, width, 0});
    ++stages.back().depth;
    previous = width;
  }
  for (auto& stage : stages) {
    stage.group_width = std::min(variant.group_width, stage.width);
    stage.width = MakeDivisible(stage.width, stage.group_width);
  }
  return stages;
}

}  // namespace torchgraft
