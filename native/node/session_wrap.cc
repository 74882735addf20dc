#include "node/session_wrap.h"

#include "node/convert.h"
#include "torch/session/error.h"

namespace torchgraft {

namespace {

Napi::Value Undefined(Napi::Env env, bool) { return env.Undefined(); }

}  // namespace

// One that no job holds any more, or a new one.
std::shared_ptr<Batch> BatchPool::Take() {
  for (const auto& batch : batches_) {
    if (batch.use_count() == 1) return batch;
  }
  auto batch = std::make_shared<Batch>();
  batch->images.pixels = PixelBuffer(pixel_memory_);
  if (batches_.size() < kKept) batches_.push_back(batch);
  return batch;
}

Session& SessionHolder::Open() {
  if (!session) throw CodedError("ERR_DISPOSED", "This session has been disposed of");
  return *session;
}

Napi::Function SessionWrap::Define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {InstanceMethod<&SessionWrap::TrainStep>("trainStep"),
                      InstanceMethod<&SessionWrap::EvalStep>("evalStep"),
                      InstanceMethod<&SessionWrap::ReadState>("readState"),
                      InstanceMethod<&SessionWrap::WriteState>("writeState"),
                      InstanceMethod<&SessionWrap::FreeMemory>("freeMemory"),
                      InstanceMethod<&SessionWrap::ClearPixels>("clearPixels"),
                      InstanceMethod<&SessionWrap::DeviceNotes>("deviceNotes"),
                      InstanceMethod<&SessionWrap::Dispose>("dispose")});
}

SessionWrap::SessionWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const auto env = info.Env();
  if (info.Length() < 1 || !info[0].IsExternal())
    throw Napi::TypeError::New(env, "Sessions are made by createSession");
  const auto* parts = info[0].As<Napi::External<Parts>>().Data();
  queue_ = parts->queue;
  holder_ = parts->holder;
  batches_ = BatchPool(parts->pixel_memory);
  auto layout = Napi::Object::New(env);
  layout["model"] = ToJs(env, parts->model_layout);
  layout["training"] = ToJs(env, parts->training_layout);
  auto self = info.This().As<Napi::Object>();
  self["numParameters"] = static_cast<double>(parts->num_parameters);
  self["layout"] = layout;
  self["compiledKernels"] = ToJs(env, parts->compiled_kernels);
}

// Garbage was collected: a step may be running, and the model's memory is the engine thread's to
// free.
SessionWrap::~SessionWrap() {
  if (queue_) queue_->Free(std::move(holder_));
}

Napi::Value SessionWrap::TrainStep(const Napi::CallbackInfo& info) {
  auto batch = batches_.Take();
  ToImages(info[0], batch->images);
  ToLabels(info[1], batch->labels);
  const double lr = ToNumber(info[2], "lr");
  const bool read = info[3].ToBoolean();
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [holder = holder_, batch = std::move(batch), lr, read] {
        return holder->Open().TrainStep(*batch, lr, read);
      },
      [](Napi::Env env, const TrainSums& sums) { return ToJs(env, sums); });
}

Napi::Value SessionWrap::EvalStep(const Napi::CallbackInfo& info) {
  auto batch = batches_.Take();
  ToImages(info[0], batch->images);
  ToLabels(info[1], batch->labels);
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [holder = holder_, batch = std::move(batch)] { return holder->Open().EvalStep(*batch); },
      [](Napi::Env env, const EvalResult& result) { return ToJs(env, result); });
}

// The buffers of the next two are the caller's, not copied: they live until the promise settles.
Napi::Value SessionWrap::ReadState(const Napi::CallbackInfo& info) {
  const auto part = ToStatePart(info[0]);
  auto into = ToBytes(info[1], "into");
  return queue_->Run(
      info.Env(), into,
      [holder = holder_, part, data = into.Data(), bytes = into.ByteLength()] {
        holder->Open().ReadState(part, data, bytes);
        return true;
      },
      Undefined);
}

Napi::Value SessionWrap::WriteState(const Napi::CallbackInfo& info) {
  const auto part = ToStatePart(info[0]);
  auto from = ToBytes(info[1], "from");
  const auto mask = ToBytes(info[2], "written");
  return queue_->Run(
      info.Env(), from,
      [holder = holder_, part, data = from.Data(), bytes = from.ByteLength(),
       written = std::vector<uint8_t>(mask.Data(), mask.Data() + mask.ElementLength())] {
        holder->Open().WriteState(part, data, bytes, written);
        return true;
      },
      Undefined);
}

Napi::Value SessionWrap::FreeMemory(const Napi::CallbackInfo& info) {
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [holder = holder_] { return static_cast<double>(holder->Open().FreeMemory()); },
      [](Napi::Env env, double bytes) -> Napi::Value { return Napi::Number::New(env, bytes); });
}

Napi::Value SessionWrap::ClearPixels(const Napi::CallbackInfo& info) {
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [holder = holder_] {
        holder->Open().ClearPixels();
        return true;
      },
      Undefined);
}

Napi::Value SessionWrap::DeviceNotes(const Napi::CallbackInfo& info) {
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [holder = holder_] { return holder->Open().DeviceNotes(); },
      [](Napi::Env env, const std::vector<std::string>& notes) { return ToJs(env, notes); });
}

// A job like any other, so it follows the steps already asked for.
Napi::Value SessionWrap::Dispose(const Napi::CallbackInfo& info) {
  batches_ = {};
  return queue_->Run(
      info.Env(), info.This().As<Napi::Object>(),
      [holder = holder_] {
        holder->session.reset();
        return true;
      },
      Undefined);
}

}  // namespace torchgraft
