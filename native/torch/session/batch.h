#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace torchgraft {

// Numbers of a packed plan: src/augment/plan.ts tells which is which.
inline constexpr int64_t kPlanLength = 32;

// A session's memory for pixels that stay is taken in pieces of so many bytes; an image lies in one
// of them. src/session/device-pixel-cache.ts gives out places and has the same number.
inline constexpr int64_t kPixelChunk = int64_t{1} << 26;

// Gives memory of so many bytes, on any thread; its last owner may end on any thread too.
using AllocateBytes = std::function<std::shared_ptr<uint8_t>(size_t bytes)>;

// Memory that a batch's pixels are written into once, and read from: the heap's, kept from batch to
// batch, or an allocator's, taken anew for each, since a device may still be reading the last.
class PixelBuffer {
 public:
  PixelBuffer() = default;
  explicit PixelBuffer(AllocateBytes allocate) : allocate_(std::move(allocate)) {}
  PixelBuffer(PixelBuffer&&) = default;
  PixelBuffer& operator=(PixelBuffer&&) = default;

  // Room for so many bytes. What was there before is gone.
  uint8_t* Resize(size_t bytes);

  const uint8_t* data() const { return memory_.get(); }
  size_t size() const { return size_; }
  const std::shared_ptr<uint8_t>& memory() const { return memory_; }

 private:
  AllocateBytes allocate_;  // none: the heap
  std::shared_ptr<uint8_t> memory_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Images of any sizes, each with the plan of what happens to it. Owns its memory.
struct Images {
  PixelBuffer pixels;           // the sources that it brings, height × width × 3 each, in order
  std::vector<int32_t> shapes;  // [size, 2]: height, width
  std::vector<double> plans;    // [size, kPlanLength]
  int64_t output = 0;           // height and width
  std::array<double, 3> mean{};
  std::array<double, 3> std{};
  // [size], or empty where all images are brought and none stays. A place is an offset in the
  // session's PixelCache, −1 for none: an image that is brought comes there to stay, one that is
  // not lies there since an earlier batch.
  std::vector<int64_t> places;
  std::vector<uint8_t> brought;

  int64_t size() const { return static_cast<int64_t>(shapes.size() / 2); }
  int64_t bytes(int64_t i) const { return int64_t{3} * shapes[2 * i] * shapes[2 * i + 1]; }
  bool brings(int64_t i) const { return brought.empty() || brought[i] != 0; }
  bool keeps(int64_t i) const { return brings(i) && !places.empty() && places[i] >= 0; }
};

struct Batch {
  Images images;
  std::vector<int32_t> labels;  // empty where only predicting
};

// Throws ERR_BATCH_SHAPE where anything could lead out of the arrays.
void CheckImages(const Images& images);

// Who renders: the loops that the CPU's batches go through; the kernel that a GPU's do, on the CPU
// or on the first CUDA device; or libtorch's operations, which are for devices without the kernel.
enum class Renderer { kLoops, kKernel, kCudaKernel, kOperations };

// Normalized pixels, [size, output, output, 3], into memory of the caller's. All on the CPU but
// kCudaKernel, which throws ERR_DEVICE where the kernel cannot be had.
void RenderFloats(const Images& images, Renderer renderer, float* into, size_t length);

// Each channel's mean over the batch, then each one's mean of squares, as PyTorch computes them on
// [size, 3, output, output]: six numbers.
std::vector<float> ChannelMoments(const Images& images);

// Mean and standard deviation from such numbers summed over batches: six numbers. By libtorch,
// since its square root is not everywhere the nearest.
std::vector<float> MeanStdOf(const std::vector<float>& sums, double batches);

}  // namespace torchgraft
