#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace torchgraft {

// libjpeg-turbo, opened by dlopen from its path. The TurboJPEG 2 API, which later versions keep.
class JpegLibrary {
 public:
  // Throws std::runtime_error where the file is no such library.
  explicit JpegLibrary(const std::string& file);

  // Decodes to RGB at width × height: the file's size divided by 1, 2, 4 or 8, rounded up. False
  // for any other size and where anything is wrong with the file, also a warning. On any thread.
  bool Decode(const uint8_t* bytes, size_t length, int width, int height, uint8_t* rgb) const;

 private:
  using Handle = void*;
  template <typename Function>
  void Find(const char* name, Function& function);

  void* library_;  // kept open for good: its code may be running when the process ends
  Handle (*init_)();
  int (*destroy_)(Handle);
  int (*header_)(Handle, const unsigned char*, unsigned long, int*, int*, int*, int*);
  int (*decompress_)(Handle, const unsigned char*, unsigned long, unsigned char*, int, int, int,
                     int, int);
};

}  // namespace torchgraft
