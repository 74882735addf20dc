// A batch's images and labels, from JavaScript.

#include <algorithm>

#include "node/convert.h"
#include "node/js_error.h"
#include "node/typed_arrays.h"
#include "torch/session/error.h"

namespace torchgraft {

namespace {

constexpr int64_t kChannels = 3;
// Pixels of an image: more than any memory holds, and few enough to be summed.
constexpr int64_t kMostPixels = int64_t{1} << 40;

// An image of a batch, and where it goes.
struct Source {
  Napi::Uint8Array pixels;
  int64_t height;
  int64_t width;
  int64_t frame_height;
  int64_t frame_width;

  // As many black rows above as below, and columns left as right.
  bool Fits() const {
    return height > 0 && width > 0 && frame_height >= height && frame_width >= width &&
           frame_height * frame_width <= kMostPixels && (frame_height - height) % 2 == 0 &&
           (frame_width - width) % 2 == 0 &&
           pixels.ElementLength() == static_cast<size_t>(height * width * kChannels);
  }
  size_t bytes() const { return static_cast<size_t>(frame_height * frame_width * kChannels); }

  void CopyTo(uint8_t* to) const {
    const uint8_t* from = pixels.Data();
    const int64_t left = (frame_width - width) / 2 * kChannels;
    const int64_t row = width * kChannels;
    const int64_t above = (frame_height - height) / 2 * frame_width * kChannels;
    to = std::fill_n(to, above, uint8_t{0});
    for (int64_t y = 0; y < height; ++y, from += row) {
      to = std::fill_n(to, left, uint8_t{0});
      to = std::copy_n(from, row, to);
      to = std::fill_n(to, left, uint8_t{0});
    }
    std::fill_n(to, above, uint8_t{0});
  }
};

// Where pixels stay in the session's memory, and which of them are brought.
void CopyPlaces(const Napi::Object& object, Images& images) {
  images.places.clear();
  images.brought.clear();
  if (object.Get("places").IsUndefined()) return;
  std::vector<double> places;
  CopyArray<double>(object["places"], napi_float64_array, "a Float64Array", "places", places);
  CopyArray<uint8_t>(object["brought"], napi_uint8_array, "a Uint8Array", "brought",
                     images.brought);
  for (const double place : places)
    images.places.push_back(place >= 0 ? static_cast<int64_t>(std::min(place, 0x1p53)) : -1);
}

std::vector<int32_t> BroughtShapes(const Images& images) {
  std::vector<int32_t> shapes;
  for (size_t i = 0; i + 1 < images.shapes.size(); i += 2) {
    const size_t image = i / 2;
    if (!images.brought.empty() && (image >= images.brought.size() || !images.brought[image]))
      continue;
    shapes.insert(shapes.end(), {images.shapes[i], images.shapes[i + 1]});
  }
  return shapes;
}

// A list of arrays, one an image that is brought: each into the middle of its shape.
void CopySources(const Napi::Array& arrays, const Napi::Value& sizes, Images& images) {
  std::vector<int32_t> shapes;
  CopyArray<int32_t>(sizes, napi_int32_array, "an Int32Array", "sizes", shapes);
  const auto frames = BroughtShapes(images);
  if (arrays.Length() * 2 != frames.size() || shapes.size() != frames.size())
    throw CodedError("ERR_BATCH_SHAPE", "Expected as many arrays of pixels as shapes");
  // All are taken hold of first: reading an element may run JavaScript, which may resize another.
  std::vector<Source> sources;
  for (uint32_t i = 0; i < arrays.Length(); ++i) {
    sources.push_back({ToArray<uint8_t>(arrays[i], napi_uint8_array, "a Uint8Array", "pixels"),
                       shapes[2 * i], shapes[2 * i + 1], frames[2 * i], frames[2 * i + 1]});
  }
  size_t bytes = 0;
  for (const auto& source : sources) {
    if (!source.Fits())
      throw CodedError("ERR_BATCH_SHAPE", "Expected as many bytes of pixels as their sizes tell");
    bytes += source.bytes();
  }
  uint8_t* to = images.pixels.Resize(bytes);
  for (const auto& source : sources) {
    source.CopyTo(to);
    to += source.bytes();
  }
}

// Either all pixels in one array, or an array an image.
void CopyPixels(const Napi::Object& object, Images& images) {
  const Napi::Value pixels = object["pixels"];
  if (pixels.IsArray()) return CopySources(pixels.As<Napi::Array>(), object["sizes"], images);
  const auto all = ToArray<uint8_t>(pixels, napi_uint8_array, "a Uint8Array", "pixels");
  const size_t bytes = all.ElementLength();
  std::copy_n(all.Data(), bytes, images.pixels.Resize(bytes));
}

}  // namespace

void ToImages(const Napi::Value& value, Images& images) {
  const auto object = ToObject(value, "images");
  CopyArray<int32_t>(object["shapes"], napi_int32_array, "an Int32Array", "shapes", images.shapes);
  CopyPlaces(object, images);
  try {
    CopyPixels(object, images);
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw ToJsError(value.Env(), CurrentFailure());
  }
  CopyArray<double>(object["plans"], napi_float64_array, "a Float64Array", "plans", images.plans);
  images.output = ToInteger(object["output"], "output");
  std::vector<double> mean_std;
  CopyArray<double>(object["meanStd"], napi_float64_array, "a Float64Array", "meanStd", mean_std);
  if (mean_std.size() != 6) throw Expected(value.Env(), "six numbers", "meanStd");
  std::copy_n(mean_std.begin(), 3, images.mean.begin());
  std::copy_n(mean_std.begin() + 3, 3, images.std.begin());
}

void ToLabels(const Napi::Value& value, std::vector<int32_t>& labels) {
  labels.clear();
  if (!value.IsUndefined())
    CopyArray<int32_t>(value, napi_int32_array, "an Int32Array", "labels", labels);
}

}  // namespace torchgraft
