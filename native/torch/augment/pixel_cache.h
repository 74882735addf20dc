#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <vector>

#include "torch/session/batch.h"

namespace torchgraft {

// Pixels of images in a device's memory, from one step to the next, so that later batches need not
// bring them. Whoever makes the batches decides which image lies where: Images::places. Memory is
// taken in chunks of kPixelChunk bytes, each when an image first comes there, and stays until
// Clear(). On the engine thread, and on one stream.
class PixelCache {
 public:
  explicit PixelCache(at::Device device) : device_(device) {}

  // Takes the memory that a batch's images need which come to stay.
  void Reserve(const Images& images);

  // Copies those images to their places. `brought`: uint8, the pixels that the batch brings, on the
  // device.
  void Keep(const Images& images, const at::Tensor& brought);

  // The pixels of an image that has come to this place. Throws ERR_BATCH_SHAPE where none has.
  const uint8_t* At(int64_t place, int64_t bytes) const;

  void Clear();

 private:
  at::Device device_;
  std::map<int64_t, at::Tensor> chunks_;  // by their number: uint8, [kPixelChunk]
  std::map<int64_t, int64_t> kept_;       // bytes of each image, by its place
};

// Where the pixels of each image lie: among those that the batch brings, which begin at `brought`,
// or in the cache.
std::vector<const uint8_t*> SourcesOf(const Images& images, const uint8_t* brought,
                                      const PixelCache* cache);

}  // namespace torchgraft
