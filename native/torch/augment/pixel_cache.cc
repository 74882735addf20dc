#include "torch/augment/pixel_cache.h"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>

#include "torch/session/error.h"

namespace torchgraft {

void PixelCache::Reserve(const Images& images) {
  const c10::InferenceMode normal(/*enabled=*/false);  // training writes there too
  for (int64_t i = 0; i < images.size(); ++i) {
    if (!images.keeps(i)) continue;
    auto& chunk = chunks_[images.places[i] / kPixelChunk];
    if (!chunk.defined()) chunk = at::empty({kPixelChunk}, at::device(device_).dtype(at::kByte));
  }
}

void PixelCache::Keep(const Images& images, const at::Tensor& brought) {
  // Neighbours that stay neighbours are copied at once: most batches are one copy.
  int64_t first = 0;  // in `brought`: of the run of neighbours, which goes to `place`
  int64_t bytes = 0;
  int64_t place = 0;
  const auto copy = [&] {
    if (bytes == 0) return;
    const auto& chunk = chunks_.at(place / kPixelChunk);
    chunk.narrow(0, place % kPixelChunk, bytes).copy_(brought.narrow(0, first, bytes));
    bytes = 0;
  };
  int64_t next = 0;  // in `brought`
  for (int64_t i = 0; i < images.size(); ++i) {
    if (!images.brings(i)) continue;
    if (images.keeps(i)) {
      const int64_t to = images.places[i];
      kept_[to] = images.bytes(i);
      const bool goes_on = bytes > 0 && first + bytes == next && place + bytes == to &&
                           to / kPixelChunk == place / kPixelChunk;
      if (!goes_on) {
        copy();
        first = next;
        place = to;
      }
      bytes += images.bytes(i);
    }
    next += images.bytes(i);
  }
  copy();
}

const uint8_t* PixelCache::At(int64_t place, int64_t bytes) const {
  const auto kept = kept_.find(place);
  if (kept == kept_.end() || kept->second != bytes)
    throw CodedError("ERR_BATCH_SHAPE", "Expected the pixels of an image that is not kept");
  return chunks_.at(place / kPixelChunk).const_data_ptr<uint8_t>() + place % kPixelChunk;
}

void PixelCache::Clear() {
  kept_.clear();
  chunks_.clear();
}

std::vector<const uint8_t*> SourcesOf(const Images& images, const uint8_t* brought,
                                      const PixelCache* cache) {
  std::vector<const uint8_t*> sources;
  for (int64_t i = 0; i < images.size(); ++i) {
    if (images.brings(i)) {
      sources.push_back(brought);
      brought += images.bytes(i);
    } else if (cache != nullptr) {
      sources.push_back(cache->At(images.places[i], images.bytes(i)));
    } else {
      throw CodedError("ERR_BATCH_SHAPE", "Expected a batch that brings all its pixels");
    }
  }
  return sources;
}

}  // namespace torchgraft
