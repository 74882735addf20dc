#pragma once

#include <napi.h>

#include <memory>

#include "node/job_queue.h"
#include "torch/distributed/group.h"

namespace torchgraft {

// The JavaScript face of a group of processes: collectives as promises.
class GroupWrap : public Napi::ObjectWrap<GroupWrap> {
 public:
  // What the constructor takes, as an External.
  struct Parts {
    std::shared_ptr<JobQueue> queue;
    std::shared_ptr<Group> group;
  };

  static Napi::Function Define(Napi::Env env);
  explicit GroupWrap(const Napi::CallbackInfo& info);
  ~GroupWrap() override;

  // A promise of a group that has been joined, as an object of `group_class`.
  static Napi::Value Join(const Napi::CallbackInfo& info, const std::shared_ptr<JobQueue>& queue,
                          const Napi::FunctionReference& group_class);

  // The group in a session's options; null where there is none.
  static std::shared_ptr<Group> Of(const Napi::Value& value);

 private:
  Napi::Value Barrier(const Napi::CallbackInfo& info);
  Napi::Value Broadcast(const Napi::CallbackInfo& info);
  Napi::Value AllGather(const Napi::CallbackInfo& info);
  Napi::Value AllReduce(const Napi::CallbackInfo& info);
  Napi::Value Leave(const Napi::CallbackInfo& info);
  void Abort(const Napi::CallbackInfo& info);
  Napi::Value GetTraffic(const Napi::CallbackInfo& info);

  std::shared_ptr<JobQueue> queue_;
  std::shared_ptr<Group> group_;
};

}  // namespace torchgraft
