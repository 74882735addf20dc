#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace torchgraft {

// Tells the other ranks, through the store, that this one lives, and hears it of them: a thread
// that writes and reads a line a rank each second. What goes wrong is told in the store too, by the
// rank that knows it, so that all ranks end soon and say the same.
class Pulse {
 public:
  struct Place {
    int rank;
    int world_size;
    std::string store;  // where it is and who hosts it, in words
    std::chrono::milliseconds timeout;
  };
  using Progress = std::function<uint64_t()>;                // collectives that this rank began
  using Fail = std::function<void(const std::string& why)>;  // ends this rank's part

  // `store` is this pulse's alone: a connection that waits is not free for anything else.
  Pulse(c10::intrusive_ptr<c10d::Store> store, const Place& place, Progress progress, Fail fail);

  ~Pulse();

  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  // Why a collective failed with `error`: waits some seconds until a rank is found that is to
  // blame, and tells the others.
  std::string Explain(const std::string& error);

  // Of this rank, to all others. Returns when they can read it, or after two seconds.
  void Tell(const std::string& why);

  // Ends the thread; the others will not miss this rank. One that the store does not answer is left
  // behind.
  void Stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace torchgraft
