#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace torchgraft {

// A heartbeat by way of the store: a thread that writes this rank's and reads the others' each
// second. A rank that knows what has failed reports it there too, so that all ranks end soon and
// with the same message.
class Heartbeat {
 public:
  struct Place {
    int rank;
    int world_size;
    std::string store;  // where it is and who hosts it, in words
    std::chrono::milliseconds timeout;
  };
  using Progress = std::function<uint64_t()>;                // collectives that this rank began
  using Fail = std::function<void(const std::string& why)>;  // ends this rank's part

  // `store` is this heartbeat's alone: a connection that waits is not free for anything else.
  Heartbeat(c10::intrusive_ptr<c10d::Store> store, const Place& place, Progress progress,
            Fail fail);

  ~Heartbeat();

  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  // Why a collective failed with `error`: waits some seconds for a rank whose heartbeat stops or
  // that reports a failure, and reports that to the others.
  std::string Explain(const std::string& error);

  // A failure of this rank, to all others. Returns when they can read it, or after two seconds.
  void ReportFailure(const std::string& why);

  // Ends the thread; the others will not miss this rank. One that the store does not answer is left
  // behind.
  void Stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace torchgraft
