#pragma once

#include <stdexcept>
#include <string>

namespace torchgraft {

// What went wrong, in a form that can cross from the engine's thread to JavaScript's.
struct Failure {
  std::string code;
  std::string message;
};

// A failure that this addon raises itself, with a code that TypeScript knows.
class CodedError : public std::runtime_error {
 public:
  CodedError(std::string code, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)) {}

  const std::string& code() const noexcept { return code_; }

 private:
  std::string code_;
};

// Describes the exception now being handled, without libtorch's backtrace. Call it inside a catch
// block.
Failure CurrentFailure() noexcept;

}  // namespace torchgraft
