#include "torch/session/batch.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "torch/session/error.h"

namespace torchgraft {

namespace {

constexpr int kChannels = 3;
constexpr int64_t kLargestOutput = 1 << 14;
// Coordinates beyond this are a mistake, and would not fit the integers that they become.
constexpr double kFarthest = 1e9;
// Numbers beyond this would not fit the floats that they become.
constexpr double kLargest = 1e30;
// Rows and columns of all snap grids of a batch: each takes 32 bytes while the batch is rendered.
constexpr int64_t kMostTaps = 1 << 25;

// Beyond any device's memory.
constexpr int64_t kLastPlace = int64_t{1} << 50;

[[noreturn]] void Refuse(const std::string& message) {
  throw CodedError("ERR_BATCH_SHAPE", message);
}

// Whether a 2×3 matrix keeps a rectangle near. Lines stay lines: if the corners are near, so is
// everything between.
bool StaysNear(const double* m, double width, double height) {
  for (const double u : {0.0, width}) {
    for (const double v : {0.0, height}) {
      const double x = m[0] * u + m[1] * v + m[2];
      const double y = m[3] * u + m[4] * v + m[5];
      if (!(std::abs(x) <= kFarthest && std::abs(y) <= kFarthest)) return false;
    }
  }
  return true;
}

// src/augment/plan.ts tells which number is which.
void CheckPlan(const double* packed, int64_t index, int64_t output) {
  const std::string which = "the plan of image " + std::to_string(index);
  if (!std::all_of(packed, packed + kPlanLength,
                   [](double number) { return std::abs(number) <= kLargest; })) {
    Refuse("Expected finite numbers in " + which);
  }
  const double* geometry = packed;
  const double snap_height = packed[11];
  const double snap_width = packed[12];
  const double* resize = packed + 13;
  const bool snaps = snap_height != 0 || snap_width != 0;
  if (snaps && !(snap_height >= 1 && snap_width >= 1 && snap_height <= kLargestOutput &&
                 snap_width <= kLargestOutput && std::floor(snap_height) == snap_height &&
                 std::floor(snap_width) == snap_width)) {
    Refuse("Expected a snap grid of a sensible size in " + which);
  }
  if (snaps && (resize[1] != 0 || resize[3] != 0))
    Refuse("Expected a resize that turns nothing in " + which);
  const auto size = static_cast<double>(output);
  if (!StaysNear(geometry, size, size) || (snaps && !StaysNear(resize, snap_width, snap_height))) {
    Refuse("Expected coordinates near the image from " + which);
  }
}

void CheckPlace(const Images& images, int64_t i, uint64_t bytes) {
  const int64_t place = images.places[i];
  if (place < 0 && !images.brings(i)) Refuse("Expected the pixels of image " + std::to_string(i));
  if (place >= 0 && (place > kLastPlace || place % kPixelChunk + bytes > kPixelChunk))
    Refuse("Expected a place within one chunk for image " + std::to_string(i));
}

}  // namespace

uint8_t* PixelBuffer::Resize(size_t bytes) {
  size_ = bytes;
  if (allocate_) {
    memory_.reset();  // first, so that it can be handed out again
    if (bytes > 0) memory_ = allocate_(bytes);
  } else if (bytes > capacity_) {
    memory_.reset();
    capacity_ = 0;
    const std::shared_ptr<uint8_t[]> fresh = std::make_unique_for_overwrite<uint8_t[]>(bytes);
    memory_ = {fresh, fresh.get()};
    capacity_ = bytes;
  }
  return memory_.get();
}

void CheckImages(const Images& images) {
  const int64_t size = images.size();
  if (size == 0 || images.shapes.size() % 2 != 0)
    Refuse("Expected a batch of at least one image, with two numbers of shape each");
  if (images.output < 1 || images.output > kLargestOutput)
    Refuse("Expected an output size from 1 to 16384");
  if (images.plans.size() != static_cast<size_t>(size * kPlanLength))
    Refuse("Expected one plan an image");
  if (images.places.size() != images.brought.size() ||
      (!images.places.empty() && images.places.size() != static_cast<size_t>(size)))
    Refuse("Expected one place an image, or none");
  uint64_t expected = 0;
  int64_t taps = 0;
  for (int64_t i = 0; i < size; ++i) {
    const int64_t height = images.shapes[2 * i];
    const int64_t width = images.shapes[2 * i + 1];
    if (height < 1 || width < 1) Refuse("Expected images of at least one pixel");
    // Below 2^64 whatever the shape, and the sum never grows beyond the first image that is too
    // much.
    const uint64_t bytes = static_cast<uint64_t>(height) * static_cast<uint64_t>(width) * kChannels;
    if (!images.places.empty()) CheckPlace(images, i, bytes);
    if (images.brings(i)) expected += bytes;
    if (expected > images.pixels.size()) break;
    const double* plan = images.plans.data() + i * kPlanLength;
    CheckPlan(plan, i, images.output);
    taps += static_cast<int64_t>(plan[11]) + static_cast<int64_t>(plan[12]);
    if (taps > kMostTaps) Refuse("Expected smaller snap grids, or fewer images in the batch");
  }
  if (expected != images.pixels.size()) {
    Refuse("Expected as many bytes of pixels as the shapes tell, but received " +
           std::to_string(images.pixels.size()));
  }
  for (int c = 0; c < kChannels; ++c) {
    const bool sensible = std::abs(images.mean[c]) <= kLargest && images.std[c] >= 1 / kLargest &&
                          images.std[c] <= kLargest;
    if (!sensible) Refuse("Expected finite means and positive standard deviations");
  }
}

}  // namespace torchgraft
