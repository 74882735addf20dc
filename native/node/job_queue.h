#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "node/engine_thread.h"
#include "node/js_error.h"

namespace torchgraft {

// One environment's way to the engine and back: runs work there, settles promises here.
//
// An environment is a JavaScript world: the main thread's or a worker's. All members but Run() of a
// job are used on that environment's thread.
class JobQueue {
 public:
  explicit JobQueue(Napi::Env env);
  ~JobQueue();

  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  // Runs work() on the engine thread, then to_js(env, result) here to settle the promise. What they
  // hold must not be JavaScript's, but for `kept`: an object that lives until then.
  template <typename Work, typename ToJs>
  Napi::Promise Run(Napi::Env env, Napi::Object kept, Work work, ToJs to_js);

  // Frees something on the engine thread, after the jobs before it; nobody waits. Right here when
  // there is no engine any more.
  void Free(std::shared_ptr<void> resource);

  // Calls `interrupt` when this queue stops, before it waits for the job that is running: for one
  // that waits for other processes.
  void BeforeStop(std::function<void()> interrupt) { interrupts_.push_back(std::move(interrupt)); }

  // Waits for the job that is running, drops the ones that wait, and lets the engine go. A second
  // call does nothing.
  void Stop();

 private:
  class SettledJob : public Job {
   public:
    explicit SettledJob(JobQueue& queue) : queue_(queue) {}
    void Run() noexcept final;
    virtual void Settle(Napi::Env env) = 0;
    // The environment is going: its references go with it, and must not be touched.
    virtual void Abandon() = 0;

   protected:
    virtual void Work() noexcept = 0;

   private:
    JobQueue& queue_;
  };
  template <typename Work, typename ToJs>
  class PromiseJob;

  static void OnSettled(Napi::Env env, Napi::Function, JobQueue* queue, SettledJob* job);
  using Settler = Napi::TypedThreadSafeFunction<JobQueue, SettledJob, OnSettled>;

  void Post(Napi::Env env, std::unique_ptr<SettledJob> job);

  Settler settler_;
  size_t unsettled_ = 0;
  std::vector<std::function<void()>> interrupts_;
  std::shared_ptr<EngineThread> engine_;  // null once stopped
  Napi::Env env_;
  Napi::Env::CleanupHook<void (*)(JobQueue*), JobQueue> hook_;
  bool hooked_ = true;
};

template <typename Work_, typename ToJs>
class JobQueue::PromiseJob : public SettledJob {
 public:
  PromiseJob(JobQueue& queue, Napi::Env env, Napi::Object kept, Work_ work, ToJs to_js)
      : SettledJob(queue),
        kept_(Napi::Persistent(kept)),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        to_js_(std::move(to_js)) {}

  Napi::Promise Promise() const { return deferred_.Promise(); }

  void Settle(Napi::Env env) override {
    if (!result_) {
      deferred_.Reject(ToJsError(env, failure_).Value());
      return;
    }
    try {
      deferred_.Resolve(to_js_(env, *result_));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

  void Abandon() override { kept_.SuppressDestruct(); }

 protected:
  void Work() noexcept override {
    try {
      result_.emplace(work_());
    } catch (...) {
      failure_ = CurrentFailure();
    }
  }

 private:
  Napi::ObjectReference kept_;
  Napi::Promise::Deferred deferred_;
  Work_ work_;
  ToJs to_js_;
  std::optional<std::invoke_result_t<Work_>> result_;
  Failure failure_;
};

template <typename Work, typename ToJs>
Napi::Promise JobQueue::Run(Napi::Env env, Napi::Object kept, Work work, ToJs to_js) {
  auto job =
      std::make_unique<PromiseJob<Work, ToJs>>(*this, env, kept, std::move(work), std::move(to_js));
  const auto promise = job->Promise();
  Post(env, std::move(job));
  return promise;
}

}  // namespace torchgraft
