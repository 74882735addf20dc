#include "node/group_wrap.h"

#include <algorithm>
#include <vector>

#include "node/convert.h"

namespace torchgraft {

namespace {

// Told apart from other objects that a caller might give: made by drawing it once.
constexpr napi_type_tag kGroupTag = {0x8f0a4c6d2b7e4e11, 0x9c35d1f0a86b42d7};

Napi::Value Undefined(Napi::Env env, bool) { return env.Undefined(); }

std::vector<uint8_t> CopyOf(const Napi::Value& value, const char* name) {
  const auto bytes = ToBytes(value, name);
  return {bytes.Data(), bytes.Data() + bytes.ElementLength()};
}

Napi::Value BytesToJs(Napi::Env env, const std::vector<uint8_t>& bytes) {
  auto array = Napi::Uint8Array::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), array.Data());
  return array;
}

Napi::Value AllBytesToJs(Napi::Env env, const std::vector<std::vector<uint8_t>>& all) {
  auto array = Napi::Array::New(env, all.size());
  for (uint32_t i = 0; i < all.size(); ++i) array[i] = BytesToJs(env, all[i]);
  return array;
}

Napi::Value NumbersToJs(Napi::Env env, const std::vector<double>& numbers) {
  auto array = Napi::Float64Array::New(env, numbers.size());
  std::copy(numbers.begin(), numbers.end(), array.Data());
  return array;
}

}  // namespace

Napi::Function GroupWrap::Define(Napi::Env env) {
  return DefineClass(
      env, "ProcessGroup",
      {InstanceMethod<&GroupWrap::Barrier>("barrier"),
       InstanceMethod<&GroupWrap::Broadcast>("broadcast"),
       InstanceMethod<&GroupWrap::AllGather>("allGather"),
       InstanceMethod<&GroupWrap::AllReduce>("allReduce"),
       InstanceMethod<&GroupWrap::Leave>("leave"), InstanceMethod<&GroupWrap::Abort>("abort"),
       InstanceMethod<&GroupWrap::GetTraffic>("traffic")});
}

GroupWrap::GroupWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (info.Length() < 1 || !info[0].IsExternal())
    throw Napi::TypeError::New(info.Env(), "Groups are made by joinGroup");
  const auto* parts = info[0].As<Napi::External<Parts>>().Data();
  queue_ = parts->queue;
  group_ = parts->group;
  auto self = info.This().As<Napi::Object>();
  self.TypeTag(&kGroupTag);
  self["rank"] = group_->options().rank;
  self["worldSize"] = group_->options().world_size;
}

// Garbage was collected: its connections are the engine thread's to close.
GroupWrap::~GroupWrap() {
  if (queue_) queue_->Free(std::move(group_));
}

Napi::Value GroupWrap::Join(const Napi::CallbackInfo& info, const std::shared_ptr<JobQueue>& queue,
                            const Napi::FunctionReference& group_class) {
  const auto group = std::make_shared<Group>(ToGroupOptions(info[0]));
  queue->BeforeStop([joined = std::weak_ptr(group)] {
    if (const auto alive = joined.lock()) alive->Abort("its process ended");
  });
  return queue->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [queue, group] {
        group->Join();
        return Parts{.queue = queue, .group = group};
      },
      [&group_class](Napi::Env env, Parts& parts) -> Napi::Value {
        return group_class.New({Napi::External<Parts>::New(env, &parts)});
      });
}

std::shared_ptr<Group> GroupWrap::Of(const Napi::Value& value) {
  if (value.IsUndefined()) return nullptr;
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kGroupTag))
    throw Napi::TypeError::New(value.Env(), "Expected a group of joinGroup for group");
  return Unwrap(value.As<Napi::Object>())->group_;
}

Napi::Value GroupWrap::Barrier(const Napi::CallbackInfo& info) {
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [group = group_] {
        group->Barrier();
        return true;
      },
      Undefined);
}

Napi::Value GroupWrap::Broadcast(const Napi::CallbackInfo& info) {
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [group = group_, bytes = CopyOf(info[0], "bytes"),
       root = static_cast<int>(ToInteger(info[1], "root"))] {
        return group->Broadcast(bytes, root);
      },
      BytesToJs);
}

Napi::Value GroupWrap::AllGather(const Napi::CallbackInfo& info) {
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [group = group_, bytes = CopyOf(info[0], "bytes")] { return group->AllGather(bytes); },
      AllBytesToJs);
}

Napi::Value GroupWrap::AllReduce(const Napi::CallbackInfo& info) {
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [group = group_, numbers = ToDoubles(info[0], "numbers")] {
        return group->AllReduce(numbers);
      },
      NumbersToJs);
}

Napi::Value GroupWrap::Leave(const Napi::CallbackInfo& info) {
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [group = group_] {
        group->Leave();
        return true;
      },
      Undefined);
}

Napi::Value GroupWrap::GetTraffic(const Napi::CallbackInfo& info) {
  const auto [collectives, bytes] = group_->traffic();
  auto traffic = Napi::Object::New(info.Env());
  traffic["collectives"] = static_cast<double>(collectives);
  traffic["bytes"] = static_cast<double>(bytes);
  return traffic;
}

// Here, since the engine's thread may be what waits for other ranks.
void GroupWrap::Abort(const Napi::CallbackInfo& info) {
  group_->Abort(ToString(info[0], "reason"));
}

}  // namespace torchgraft
