// The images addon: decodes JPEGs to RGB by libjpeg-turbo, with resizing, colour conversion and
// orientation in the same job. It does not need libtorch: images are also read where none is
// loaded.

#include <napi.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "images/image.h"
#include "images/jpeg_library.h"

namespace torchgraft {

namespace {

// src/images/jpeg/jpeg-decoder.ts documents each. All but `orientation` are of the stored image,
// not yet upright.
struct Request {
  int decoded_width;
  int decoded_height;
  int width;
  int height;
  Window window;
  int orientation;
};

bool IsSound(const Request& request) {
  const auto& [decoded_width, decoded_height, width, height, window, orientation] = request;
  constexpr int kMost = 1 << 16;
  return decoded_width > 0 && decoded_width <= kMost && decoded_height > 0 &&
         decoded_height <= kMost && width > 0 && width <= kMost && height > 0 && height <= kMost &&
         window.left >= 0 && window.top >= 0 && window.width > 0 && window.height > 0 &&
         window.left <= width - window.width && window.top <= height - window.height &&
         orientation >= 1 && orientation <= 8;
}

// Runs on a libuv thread: decoding is concurrent with training, which has the engine's thread.
class DecodeWorker : public Napi::AsyncWorker {
 public:
  DecodeWorker(Napi::Env env, std::shared_ptr<const JpegLibrary> library, Napi::Uint8Array bytes,
               const Request& request, Napi::Uint8Array into)
      : AsyncWorker(env, "torchgraft.decodeJpeg"),
        deferred_(Napi::Promise::Deferred::New(env)),
        library_(std::move(library)),
        request_(request),
        bytes_(bytes.Data()),
        length_(bytes.ElementLength()),
        into_(into.Data()) {
    kept_.push_back(Napi::Persistent(bytes.As<Napi::Object>()));
    kept_.push_back(Napi::Persistent(into.As<Napi::Object>()));
  }

  void SetColours(Napi::Float32Array light, Napi::Uint8Array levels) {
    colours_ = {light.Data(), levels.Data()};
    kept_.push_back(Napi::Persistent(light.As<Napi::Object>()));
    kept_.push_back(Napi::Persistent(levels.As<Napi::Object>()));
  }

  Napi::Promise Promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    const auto& [decoded_width, decoded_height, width, height, window, orientation] = request_;
    const bool resized = decoded_width != width || decoded_height != height;
    const bool whole = window.width == width && window.height == height;
    std::vector<uint8_t> decoded;
    ImageView image{into_, decoded_width, decoded_height};
    if (resized || !whole || orientation != 1) {
      decoded.resize(static_cast<size_t>(decoded_width) * decoded_height * 3);
      image.rgb = decoded.data();
    }
    done_ = library_->Decode(bytes_, length_, decoded_width, decoded_height, image.rgb);
    if (!done_) return;
    if (colours_.light != nullptr) colours_.Apply(image);
    if (decoded.empty()) return;
    if (!resized) return ApplyOrientation(image, window, orientation, into_);
    if (orientation == 1) return Resize(image, width, height, window, into_);
    std::vector<uint8_t> scaled(static_cast<size_t>(window.width) * window.height * 3);
    Resize(image, width, height, window, scaled.data());
    ApplyOrientation({scaled.data(), window.width, window.height},
                     {0, 0, window.width, window.height}, orientation, into_);
  }

  void OnOK() override { deferred_.Resolve(Napi::Boolean::New(Env(), done_)); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<const JpegLibrary> library_;
  Request request_;
  const uint8_t* bytes_;
  size_t length_;
  uint8_t* into_;
  ColourTables colours_{};
  std::vector<Napi::ObjectReference> kept_;  // the arrays that the pointers lead into
  bool done_ = false;
};

class Images : public Napi::Addon<Images> {
 public:
  Images(Napi::Env, Napi::Object exports) {
    DefineAddon(exports,
                {InstanceMethod<&Images::Open>("open"), InstanceMethod<&Images::Decode>("decode")});
  }

 private:
  Napi::Value Open(const Napi::CallbackInfo& info) {
    try {
      library_ = std::make_shared<JpegLibrary>(info[0].ToString());
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
    return info.Env().Undefined();
  }

  // decode(bytes, request, into, light?, levels?)
  Napi::Value Decode(const Napi::CallbackInfo& info) {
    const auto env = info.Env();
    if (!library_) throw Napi::Error::New(env, "Expected a library to be opened first");
    const auto bytes = ToArray<Napi::Uint8Array>(info[0], napi_uint8_array);
    const auto numbers = ToArray<Napi::Int32Array>(info[1], napi_int32_array);
    auto into = ToArray<Napi::Uint8Array>(info[2], napi_uint8_array);
    if (numbers.ElementLength() != 9) throw Napi::TypeError::New(env, "Expected nine numbers");
    const auto* n = numbers.Data();
    const Request request{n[0], n[1], n[2], n[3], {n[4], n[5], n[6], n[7]}, n[8]};
    if (!IsSound(request)) throw Napi::RangeError::New(env, "Expected a window of the image");
    const auto bytes_of_window =
        static_cast<size_t>(request.window.width) * request.window.height * 3;
    if (into.ElementLength() != bytes_of_window)
      throw Napi::RangeError::New(env, "Expected an array of as many bytes as the window");
    auto worker = std::make_unique<DecodeWorker>(env, library_, bytes, request, into);
    if (!info[3].IsUndefined()) {
      const auto light = ToArray<Napi::Float32Array>(info[3], napi_float32_array);
      const auto levels = ToArray<Napi::Uint8Array>(info[4], napi_uint8_array);
      if (light.ElementLength() != ColourTables::kLight ||
          levels.ElementLength() != ColourTables::kLevels) {
        throw Napi::RangeError::New(env, "Expected tables of colours");
      }
      worker->SetColours(light, levels);
    }
    const auto promise = worker->Promise();
    worker.release()->Queue();  // it deletes itself when it is done
    return promise;
  }

  template <typename Array>
  static Array ToArray(const Napi::Value& value, napi_typedarray_type type) {
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
      throw Napi::TypeError::New(value.Env(), "Expected a typed array of another kind");
    return value.As<Array>();
  }

  std::shared_ptr<const JpegLibrary> library_;
};

}  // namespace

}  // namespace torchgraft

using torchgraft::Images;
NODE_API_ADDON(Images)
