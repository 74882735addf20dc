#include "torch/session/error.h"

#include <c10/util/Exception.h>

#include <new>

namespace torchgraft {

namespace {

constexpr char kTryLess[] =
    "There is not enough memory for this. Try a smaller batch size or image size";

// Running out of memory on the CPU is a plain c10::Error: only its words tell.
bool TellsOfMemory(const std::string& message) {
  return message.find("not enough memory") != std::string::npos ||
         message.find("can't allocate memory") != std::string::npos ||
         message.find("out of memory") != std::string::npos ||
         message.find("Storage size calculation overflowed") != std::string::npos;
}

}  // namespace

Failure CurrentFailure() noexcept {
  try {
    throw;
  } catch (const CodedError& error) {
    return {error.code(), error.what()};
  } catch (const c10::OutOfMemoryError&) {
    return {"ERR_OUT_OF_MEMORY", kTryLess};
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    if (TellsOfMemory(message)) return {"ERR_OUT_OF_MEMORY", kTryLess};
    return {"ERR_ADDON", "libtorch failed: " + message};
  } catch (const std::bad_alloc&) {
    return {"ERR_OUT_OF_MEMORY", kTryLess};
  } catch (const std::exception& error) {
    return {"ERR_ADDON", error.what()};
  } catch (...) {
    return {"ERR_ADDON", "an unknown native error"};
  }
}

}  // namespace torchgraft
