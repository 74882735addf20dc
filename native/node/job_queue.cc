#include "node/job_queue.h"

namespace torchgraft {

namespace {

// Drops its resource on the engine thread.
class FreeJob : public Job {
 public:
  explicit FreeJob(std::shared_ptr<void> resource) : resource_(std::move(resource)) {}
  void Run() noexcept override { delete this; }

 private:
  std::shared_ptr<void> resource_;
};

}  // namespace

JobQueue::JobQueue(Napi::Env env)
    : settler_(Settler::New(env, "torchgraft", /*maxQueueSize=*/0, /*initialThreadCount=*/1, this)),
      engine_(EngineThread::Acquire()),
      env_(env),
      // Node closes settler_ at exit. Hooks run last in, first out: this one, added after settler_
      // was made, stops the jobs while it can still be released.
      hook_(env.AddCleanupHook(
          +[](JobQueue* queue) {
            queue->hooked_ = false;
            queue->Stop();
          },
          this)) {
  settler_.Unref(env);  // an idle queue keeps no process alive
}

JobQueue::~JobQueue() {
  if (hooked_) hook_.Remove(env_);
  Stop();
}

void JobQueue::Stop() {
  if (!engine_) return;
  for (const auto& interrupt : interrupts_) interrupt();
  const auto withdrawn = engine_->Withdraw(this);
  engine_.reset();
  settler_.Release();
}

void JobQueue::Free(std::shared_ptr<void> resource) {
  if (engine_) engine_->Post(/*owner=*/nullptr, std::make_unique<FreeJob>(std::move(resource)));
}

void JobQueue::Post(Napi::Env env, std::unique_ptr<SettledJob> job) {
  if (!engine_) throw Napi::Error::New(env, "This environment is ending");
  if (unsettled_++ == 0) settler_.Ref(env);
  engine_->Post(this, std::move(job));
}

// On the engine thread.
void JobQueue::SettledJob::Run() noexcept {
  Work();
  // Never blocks: the queue has no limit. The job is freed where it is settled.
  if (queue_.settler_.BlockingCall(this) != napi_ok) Abandon();
}

void JobQueue::OnSettled(Napi::Env env, Napi::Function, JobQueue* queue, SettledJob* settled) {
  const std::unique_ptr<SettledJob> job(settled);
  if (static_cast<napi_env>(env) == nullptr) {
    job->Abandon();
    return;
  }
  job->Settle(env);
  if (--queue->unsettled_ == 0) queue->settler_.Unref(env);
}

}  // namespace torchgraft
