#include <napi.h>

#include <memory>
#include <utility>

#include "node/convert.h"
#include "node/group_wrap.h"
#include "node/job_queue.h"
#include "node/session_wrap.h"
#include "torch/session/batch.h"
#include "torch/session/system.h"

namespace torchgraft {

// The main addon, one for each environment: all state is in here, in the sessions, or in the
// engine.
class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports)
      : queue_(std::make_shared<JobQueue>(env)),
        session_class_(Napi::Persistent(SessionWrap::Define(env))),
        group_class_(Napi::Persistent(GroupWrap::Define(env))) {
    DefineAddon(exports, {InstanceValue("libtorchVersion",
                                        Napi::String::New(env, DescribeSystem().libtorch_version)),
                          InstanceValue("variants", ToJs(env, ModelNames())),
                          InstanceMethod<&Addon::System>("system"),
                          InstanceMethod<&Addon::MultipliesBf16>("multipliesBf16"),
                          InstanceMethod<&Addon::WarmUpDevice>("warmUp"),
                          InstanceMethod<&Addon::Describe>("describe"),
                          InstanceMethod<&Addon::CreateSession>("createSession"),
                          InstanceMethod<&Addon::JoinGroup>("joinGroup"),
                          InstanceMethod<&Addon::RenderImages>("renderBatch"),
                          InstanceMethod<&Addon::Moments>("channelMoments"),
                          InstanceMethod<&Addon::MeanStd>("meanStdOf"),
                          InstanceMethod<&Addon::Stop>("stop")});
  }

 private:
  Napi::Value System(const Napi::CallbackInfo& info) { return ToJs(info.Env(), DescribeSystem()); }

  Napi::Value MultipliesBf16(const Napi::CallbackInfo& info) {
    return queue_->Run(
        info.Env(), info.This().As<Napi::Object>(),
        [device = ToString(info[0], "device")] { return CudaMultipliesBf16(device); },
        [](Napi::Env env, bool multiplies) -> Napi::Value {
          return Napi::Boolean::New(env, multiplies);
        });
  }

  Napi::Value WarmUpDevice(const Napi::CallbackInfo& info) {
    return queue_->Run(
        info.Env(), info.This().As<Napi::Object>(),
        [device = ToString(info[0], "device")] {
          WarmUp(device);
          return true;
        },
        [](Napi::Env env, bool) -> Napi::Value { return env.Undefined(); });
  }

  // On JavaScript's thread: it is short work, and the answer is wanted before a session can be
  // asked for.
  Napi::Value Describe(const Napi::CallbackInfo& info) {
    const auto model = ToString(info[0], "model");
    const auto classes = ToInteger(info[1], "classes");
    try {
      return ToJs(info.Env(), DescribeModel(model, classes));
    } catch (const Napi::Error&) {
      throw;
    } catch (...) {
      throw ToJsError(info.Env(), CurrentFailure());
    }
  }

  Napi::Value CreateSession(const Napi::CallbackInfo& info) {
    auto options = ToSessionOptions(info[0]);
    options.kernels = std::make_shared<KernelCache>(ToKernels(info[1]));
    return queue_->Run(
        info.Env(), info.This().As<Napi::Object>(),
        [queue = queue_, options = std::move(options)] {
          auto session = std::make_unique<Session>(options);
          SessionWrap::Parts parts{
              .queue = queue,
              .holder = nullptr,
              .pixel_memory = session->PixelMemory(),
              .num_parameters = session->num_parameters(),
              .model_layout = session->Layout(StatePart::kModel),
              .training_layout = session->Layout(StatePart::kTraining),
              .compiled_kernels = options.kernels->added(),
          };
          parts.holder = std::make_shared<SessionHolder>(std::move(session));
          return parts;
        },
        [this](Napi::Env env, SessionWrap::Parts& parts) -> Napi::Value {
          return session_class_.New({Napi::External<SessionWrap::Parts>::New(env, &parts)});
        });
  }

  Napi::Value JoinGroup(const Napi::CallbackInfo& info) {
    return GroupWrap::Join(info, queue_, group_class_);
  }

  Napi::Value RenderImages(const Napi::CallbackInfo& info) {
    auto batch = rendered_.Take();
    ToImages(info[0], batch->images);
    const auto renderer = ToRenderer(info[1]);
    auto into = ToFloats(info[2], "into");
    return queue_->Run(
        info.Env(), into,
        [batch, renderer, data = into.Data(), length = into.ElementLength()] {
          RenderFloats(batch->images, renderer, data, length);
          return true;
        },
        [](Napi::Env env, bool) -> Napi::Value { return env.Undefined(); });
  }

  Napi::Value Moments(const Napi::CallbackInfo& info) {
    auto images = std::make_shared<Images>();
    ToImages(info[0], *images);
    return queue_->Run(
        info.Env(), info.This().As<Napi::Object>(), [images] { return ChannelMoments(*images); },
        [](Napi::Env env, const std::vector<float>& moments) { return ToJs(env, moments); });
  }

  Napi::Value MeanStd(const Napi::CallbackInfo& info) {
    return queue_->Run(
        info.Env(), info.This().As<Napi::Object>(),
        [sums = ToMoments(info[0]), batches = ToNumber(info[1], "batches")] {
          return MeanStdOf(sums, batches);
        },
        [](Napi::Env env, const std::vector<float>& numbers) { return ToJs(env, numbers); });
  }

  Napi::Value Stop(const Napi::CallbackInfo& info) {
    queue_->Stop();
    return info.Env().Undefined();
  }

  std::shared_ptr<JobQueue> queue_;
  Napi::FunctionReference session_class_;
  Napi::FunctionReference group_class_;
  BatchPool rendered_;
};

}  // namespace torchgraft

using torchgraft::Addon;
NODE_API_ADDON(Addon)
