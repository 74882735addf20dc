#pragma once

#include <chrono>

// See rendezvous/store.h.
namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
