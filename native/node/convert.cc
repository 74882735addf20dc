#include "node/convert.h"

#include <algorithm>
#include <utility>

#include "node/group_wrap.h"
#include "node/js_error.h"
#include "torch/session/error.h"

namespace torchgraft {

namespace {

constexpr int64_t kChannels = 3;
// Pixels of an image: more than any memory holds, and few enough to be summed.
constexpr int64_t kMostPixels = int64_t{1} << 40;

Napi::TypeError Expected(Napi::Env env, const std::string& what, const char* name) {
  return Napi::TypeError::New(env, "Expected " + what + " for " + name);
}

Napi::Object ToObject(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) throw Expected(value.Env(), "an object", name);
  return value.As<Napi::Object>();
}

// The elements of a typed array of one kind. A detached one has none.
template <typename T>
Napi::TypedArrayOf<T> ToArray(const Napi::Value& value, napi_typedarray_type type, const char* what,
                              const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    throw Expected(value.Env(), what, name);
  }
  return value.As<Napi::TypedArrayOf<T>>();
}

template <typename T>
void CopyArray(const Napi::Value& value, napi_typedarray_type type, const char* what,
               const char* name, std::vector<T>& into) {
  const auto array = ToArray<T>(value, type, what, name);
  into.assign(array.Data(), array.Data() + array.ElementLength());
}

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

OptimizerOptions ToOptimizerOptions(const Napi::Object& options) {
  OptimizerOptions result{
      .decoupled = ToString(options["type"], "optimizer.type") == "adamw",
      .fused = options.Get("fused").ToBoolean(),
      .beta1 = ToNumber(options["beta1"], "optimizer.beta1"),
      .beta2 = ToNumber(options["beta2"], "optimizer.beta2"),
      .eps = ToNumber(options["eps"], "optimizer.eps"),
      .groups = {},
  };
  const Napi::Value groups = options["groups"];
  if (!groups.IsArray()) throw Expected(options.Env(), "an array", "optimizer.groups");
  const auto array = groups.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const auto group = ToObject(array[i], "optimizer.groups");
    result.groups.push_back(
        {ToNumber(group["lrScale"], "lrScale"), ToNumber(group["weightDecay"], "weightDecay")});
  }
  return result;
}

GradScalerOptions ToScalerOptions(const Napi::Object& options) {
  return {
      .init_scale = ToNumber(options["initScale"], "scaler.initScale"),
      .growth_factor = ToNumber(options["growthFactor"], "scaler.growthFactor"),
      .backoff_factor = ToNumber(options["backoffFactor"], "scaler.backoffFactor"),
      .growth_interval = ToInteger(options["growthInterval"], "scaler.growthInterval"),
  };
}

Precision ToPrecision(const Napi::Value& value) {
  const auto name = ToString(value, "precision");
  if (name == "bf16") return Precision::kBf16;
  if (name == "fp16") return Precision::kFp16;
  if (name == "fp32") return Precision::kFp32;
  throw Expected(value.Env(), "fp32, bf16 or fp16", "precision");
}

}  // namespace

std::string ToString(const Napi::Value& value, const char* name) {
  if (!value.IsString()) throw Expected(value.Env(), "a string", name);
  return value.As<Napi::String>();
}

int64_t ToInteger(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) throw Expected(value.Env(), "an integer", name);
  return value.As<Napi::Number>().Int64Value();
}

double ToNumber(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) throw Expected(value.Env(), "a number", name);
  return value.As<Napi::Number>().DoubleValue();
}

Napi::Uint8Array ToBytes(const Napi::Value& value, const char* name) {
  return ToArray<uint8_t>(value, napi_uint8_array, "a Uint8Array", name);
}

Napi::Float32Array ToFloats(const Napi::Value& value, const char* name) {
  return ToArray<float>(value, napi_float32_array, "a Float32Array", name);
}

std::vector<double> ToDoubles(const Napi::Value& value, const char* name) {
  std::vector<double> numbers;
  CopyArray<double>(value, napi_float64_array, "a Float64Array", name, numbers);
  return numbers;
}

GroupOptions ToGroupOptions(const Napi::Value& value) {
  const auto options = ToObject(value, "options");
  GroupOptions result{
      .rank = static_cast<int>(ToInteger(options["rank"], "rank")),
      .world_size = static_cast<int>(ToInteger(options["worldSize"], "worldSize")),
      .master_address = ToString(options["masterAddress"], "masterAddress"),
      .master_port = static_cast<int>(ToInteger(options["masterPort"], "masterPort")),
      .serve = options.Get("serve").ToBoolean(),
      .prefix = ToString(options["prefix"], "prefix"),
      .identity = ToString(options["identity"], "identity"),
      .timeout = ToNumber(options["timeoutSeconds"], "timeoutSeconds"),
      .backend = ToString(options["backend"], "backend"),
      .device = ToString(options["device"], "device"),
  };
  if (result.rank < 0 || result.rank >= result.world_size)
    throw Expected(value.Env(), "a rank below worldSize", "rank");
  if (result.master_port < 1 || result.master_port > 65535)
    throw Expected(value.Env(), "a port from 1 to 65535", "masterPort");
  return result;
}

StatePart ToStatePart(const Napi::Value& value) {
  const auto name = ToString(value, "part");
  if (name == "model") return StatePart::kModel;
  if (name == "training") return StatePart::kTraining;
  throw Expected(value.Env(), "model or training", "part");
}

Renderer ToRenderer(const Napi::Value& value) {
  const auto name = ToString(value, "renderer");
  if (name == "loops") return Renderer::kLoops;
  if (name == "kernel") return Renderer::kKernel;
  if (name == "cuda-kernel") return Renderer::kCudaKernel;
  if (name == "operations") return Renderer::kOperations;
  throw Expected(value.Env(), "loops, kernel, cuda-kernel or operations", "renderer");
}

SessionOptions ToSessionOptions(const Napi::Value& value) {
  const auto options = ToObject(value, "options");
  SessionOptions result{
      .model = ToString(options["model"], "model"),
      .classes = ToInteger(options["classes"], "classes"),
      .device = ToString(options["device"], "device"),
      .precision = ToPrecision(options["precision"]),
      .channels_last = options.Get("channelsLast").ToBoolean(),
      .threads = ToInteger(options["threads"], "threads"),
      .seed = static_cast<uint64_t>(ToInteger(options["seed"], "seed")),
      .optimizer = ToOptimizerOptions(ToObject(options["optimizer"], "optimizer")),
      .scaler = ToScalerOptions(ToObject(options["scaler"], "scaler")),
      .clip_norm = ToNumber(options["clipNorm"], "clipNorm"),
      .group_of = {},
      .label_smoothing = ToNumber(options["labelSmoothing"], "labelSmoothing"),
      .class_weights = {},
      .freeze_batch_norm = options.Get("freezeBatchNorm").ToBoolean(),
      .plain_kernels = options.Get("plainKernels").ToBoolean(),
      .score_in_fp32 = options.Get("scoreInFp32").ToBoolean(),
      .cudnn_benchmark = options.Get("cudnnBenchmark").ToBoolean(),
      .kernels = nullptr,
      .group = GroupWrap::Of(options["group"]),
      .sync_batch_norm = options.Get("syncBatchNorm").ToBoolean(),
  };
  CopyArray<int32_t>(options["groupOf"], napi_int32_array, "an Int32Array", "groupOf",
                     result.group_of);
  CopyArray<float>(options["classWeights"], napi_float32_array, "a Float32Array", "classWeights",
                   result.class_weights);
  const auto groups = static_cast<int32_t>(result.optimizer.groups.size());
  const bool known = std::all_of(result.group_of.begin(), result.group_of.end(),
                                 [&](int32_t group) { return group >= -1 && group < groups; });
  if (!known) throw Expected(value.Env(), "indices of groups", "groupOf");
  if (result.threads < 1) throw Expected(value.Env(), "at least one thread", "threads");
  if (result.classes < 1) throw Expected(value.Env(), "at least one class", "classes");
  return result;
}

std::vector<CompiledKernel> ToKernels(const Napi::Value& value) {
  if (!value.IsArray()) throw Expected(value.Env(), "an array", "kernels");
  const auto array = value.As<Napi::Array>();
  std::vector<CompiledKernel> kernels;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const auto kernel = ToObject(array[i], "kernels");
    const auto code = ToBytes(kernel["code"], "kernels.code");
    kernels.push_back({ToString(kernel["key"], "kernels.key"),
                       std::string(code.Data(), code.Data() + code.ElementLength())});
  }
  return kernels;
}

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

std::vector<float> ToMoments(const Napi::Value& value) {
  std::vector<float> moments;
  CopyArray<float>(value, napi_float32_array, "a Float32Array", "moments", moments);
  if (moments.size() != 6) throw Expected(value.Env(), "six numbers", "moments");
  return moments;
}

void ToLabels(const Napi::Value& value, std::vector<int32_t>& labels) {
  labels.clear();
  if (!value.IsUndefined())
    CopyArray<int32_t>(value, napi_int32_array, "an Int32Array", "labels", labels);
}

}  // namespace torchgraft
