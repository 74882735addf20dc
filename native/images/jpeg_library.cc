#include "images/jpeg_library.h"

#include <dlfcn.h>

#include <memory>
#include <stdexcept>

namespace torchgraft {

namespace {

// Of turbojpeg.h.
constexpr int kRgb = 0;
constexpr int kAccurateDct = 4096;
constexpr int kStopOnWarning = 8192;
constexpr int kLimitScans = 32768;  // a progressive image of thousands of scans takes minutes

}  // namespace

JpegLibrary::JpegLibrary(const std::string& file)
    : library_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (library_ == nullptr) throw std::runtime_error(dlerror());
  Find("tjInitDecompress", init_);
  Find("tjDestroy", destroy_);
  Find("tjDecompressHeader3", header_);
  Find("tjDecompress2", decompress_);
}

template <typename Function>
void JpegLibrary::Find(const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library_, name));
  if (function == nullptr) throw std::runtime_error(std::string("it has no ") + name);
}

bool JpegLibrary::Decode(const uint8_t* bytes, size_t length, int width, int height,
                         uint8_t* rgb) const {
  const std::unique_ptr<void, int (*)(Handle)> handle(init_(), destroy_);
  if (!handle) return false;
  int full_width = 0;
  int full_height = 0;
  int subsampling = 0;
  int colours = 0;
  if (header_(handle.get(), bytes, length, &full_width, &full_height, &subsampling, &colours) != 0)
    return false;
  // The library takes the largest scale that fits: for a size that is no scale of the file, it
  // would leave part of `rgb` unwritten.
  const auto fits = [&](int by) {
    return (full_width + by - 1) / by == width && (full_height + by - 1) / by == height;
  };
  if (!fits(1) && !fits(2) && !fits(4) && !fits(8)) return false;
  return decompress_(handle.get(), bytes, length, rgb, width, /*pitch=*/0, height, kRgb,
                     kAccurateDct | kStopOnWarning | kLimitScans) == 0;
}

}  // namespace torchgraft
