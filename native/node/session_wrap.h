#pragma once

#include <napi.h>

#include <memory>
#include <utility>
#include <vector>

#include "node/job_queue.h"
#include "torch/session/session.h"

namespace torchgraft {

// Batches whose memory is used again: fresh memory for each step would be paged in anew each time.
class BatchPool {
 public:
  BatchPool() = default;
  // `pixel_memory`: of the batches' pixels.
  explicit BatchPool(AllocateBytes pixel_memory) : pixel_memory_(std::move(pixel_memory)) {}

  // As many as are on their way when steps are awaited; more are asked for by a caller that waits
  // for none, and go when they are done.
  static constexpr size_t kKept = 4;

  std::shared_ptr<Batch> Take();

 private:
  AllocateBytes pixel_memory_;
  std::vector<std::shared_ptr<Batch>> batches_;
};

// A session as jobs share it: emptied by dispose() on the engine thread.
struct SessionHolder {
  std::unique_ptr<Session> session;

  Session& Open();  // throws ERR_DISPOSED
};

// The JavaScript face of a session: checks arguments, copies batches, answers with promises.
class SessionWrap : public Napi::ObjectWrap<SessionWrap> {
 public:
  // What the constructor takes, as an External.
  struct Parts {
    std::shared_ptr<JobQueue> queue;
    std::shared_ptr<SessionHolder> holder;
    AllocateBytes pixel_memory;
    int64_t num_parameters;
    std::vector<StateEntry> model_layout;
    std::vector<StateEntry> training_layout;
    std::vector<CompiledKernel> compiled_kernels;
  };

  static Napi::Function Define(Napi::Env env);
  explicit SessionWrap(const Napi::CallbackInfo& info);
  ~SessionWrap() override;

 private:
  Napi::Value TrainStep(const Napi::CallbackInfo& info);
  Napi::Value EvalStep(const Napi::CallbackInfo& info);
  Napi::Value ReadState(const Napi::CallbackInfo& info);
  Napi::Value WriteState(const Napi::CallbackInfo& info);
  Napi::Value FreeMemory(const Napi::CallbackInfo& info);
  Napi::Value ClearPixels(const Napi::CallbackInfo& info);
  Napi::Value DeviceNotes(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<JobQueue> queue_;
  std::shared_ptr<SessionHolder> holder_;  // what is in it belongs to the engine thread
  BatchPool batches_;
};

}  // namespace torchgraft
