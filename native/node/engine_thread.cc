#include "node/engine_thread.h"

#include <utility>

namespace torchgraft {

std::shared_ptr<EngineThread> EngineThread::Acquire() {
  // The first of the process's mutable statics: libtorch's threads are the process's, so its engine
  // is too.
  static std::mutex mutex;
  static std::weak_ptr<EngineThread> engine;
  const std::lock_guard lock(mutex);
  auto shared = engine.lock();
  if (!shared) engine = shared = std::make_shared<EngineThread>();
  return shared;
}

EngineThread::EngineThread() {
  thread_ = std::thread([this] { Loop(); });
}

// Its users have withdrawn their jobs; what still waits are sessions to be freed.
EngineThread::~EngineThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void EngineThread::Post(JobOwner owner, std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({owner, std::move(job)});
  }
  wake_.notify_one();
}

std::deque<std::unique_ptr<Job>> EngineThread::Withdraw(JobOwner owner) {
  std::deque<std::unique_ptr<Job>> withdrawn;
  std::deque<Entry> kept;
  std::unique_lock lock(mutex_);
  for (auto& entry : jobs_) {
    if (entry.owner == owner) {
      withdrawn.push_back(std::move(entry.job));
    } else {
      kept.push_back(std::move(entry));
    }
  }
  jobs_.swap(kept);
  idle_.wait(lock, [&] { return running_ != owner; });
  return withdrawn;
}

// On the engine thread.
void EngineThread::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto entry = std::move(jobs_.front());
    jobs_.pop_front();
    running_ = entry.owner;
    lock.unlock();
    entry.job.release()
        ->Run();  // it owns itself from here: it is settled and freed on its environment's thread
    lock.lock();
    running_ = nullptr;
    idle_.notify_all();
  }
}

}  // namespace torchgraft
