#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace torchgraft {

// Who asked for a job: an environment. Compared, never followed.
using JobOwner = const void*;

class Job {
 public:
  virtual ~Job() = default;
  virtual void Run() noexcept = 0;  // on the engine thread
};

// The process's one engine: a thread that runs jobs one at a time, in the order they came, for all
// environments.
//
// It is not libuv's pool: sharp decodes there, and each of its threads would grow an OpenMP team
// and an autocast state of its own.
class EngineThread {
 public:
  // The engine, started for its first user and stopped after its last.
  static std::shared_ptr<EngineThread> Acquire();

  EngineThread();
  ~EngineThread();

  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  void Post(JobOwner owner, std::unique_ptr<Job> job);

  // Gives back the owner's waiting jobs, and returns when none of its is running. Not on the engine
  // thread.
  std::deque<std::unique_ptr<Job>> Withdraw(JobOwner owner);

 private:
  struct Entry {
    JobOwner owner;
    std::unique_ptr<Job> job;
  };

  void Loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<Entry> jobs_;      // guarded by mutex_
  JobOwner running_ = nullptr;  // guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  std::thread thread_;          // last: it uses all of the above
};

}  // namespace torchgraft
