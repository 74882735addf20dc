#include "session_impl.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include "augment.h"
#include "autocast.h"
#include "clip_norm.h"
#include "error.h"
#include "transfer.h"

namespace torchgraft {

namespace {

at::ScalarType ComputeType(Precision precision) {
  switch (precision) {
    case Precision::kBf16:
      return at::kBFloat16;
    case Precision::kFp16:
      return at::kHalf;
    case Precision::kFp32:
      return at::kFloat;
  }
  throw CodedError("ERR_PRECISION", "Expected a known precision");
}

// Weights whose memory is NHWC make activations NHWC.
void UseChannelsLast(RegNet& model) {
  for (auto& parameter : model->parameters()) {
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

// They are written for the CPU and NHWC.
bool HasOwnKernels(const SessionOptions& options) {
  return !options.plain_kernels && options.channels_last && at::Device(options.device).is_cpu();
}

// Before the model, which is made while the kernel is compiled.
std::optional<DeviceRenderer> RendererFor(at::Device device) {
  if (device.is_cpu()) return std::nullopt;
  return std::optional<DeviceRenderer>(std::in_place, device);
}

std::optional<CachingAllocatorLease> MakeLease(const SessionOptions& options) {
  if (options.plain_kernels) return std::nullopt;
  return std::optional<CachingAllocatorLease>(std::in_place);
}

RegNet Make(const SessionOptions& options) {
  const auto generator =
      at::detail::createCPUGenerator(options.seed);  // the global one is the user's
  return RegNet(
      FindVariant(options.model), options.classes,
      Making{.device = at::kCPU, .generator = generator, .own_kernels = HasOwnKernels(options)});
}

}  // namespace

Session::Impl::Impl(const SessionOptions& options)
    : allocator(MakeLease(options)),
      options(options),
      device(options.device),
      renderer(RendererFor(device)),
      adam(options.optimizer),
      model(Make(options)),
      folds(HasOwnKernels(options)) {
  if (options.freeze_batch_norm) model->FreezeBatchNorm();
  model->to(device);
  if (options.channels_last) UseChannelsLast(model);
  if (!options.class_weights.empty()) class_weights = at::tensor(options.class_weights).to(device);
  if (options.precision == Precision::kFp16) scaler.emplace(options.scaler, device);
  AddParameters();
  if (renderer) renderer->note();  // waits: no thread of ours outlives this
  sums = at::zeros({2}, at::device(device).dtype(at::kDouble));
  skipped = at::zeros({}, at::device(device).dtype(at::kLong));
}

void Session::Impl::AddParameters() {
  size_t i = 0;
  for (auto& [name, tensor, trainable] : StateDict(*model)) {
    if (!trainable) continue;
    if (i == options.group_of.size())
      throw CodedError("ERR_ARGUMENT", "Expected a group for each parameter");
    const int32_t group = options.group_of[i++];
    tensor.set_requires_grad(group >= 0);
    if (group >= 0) adam.Add(name, tensor, static_cast<size_t>(group));
  }
  if (adam.parameters().empty())
    throw CodedError("ERR_ARGUMENT", "Expected at least one parameter in training");
}

c10::DeviceGuard Session::Impl::Enter() const {
  if (at::get_num_threads() != options.threads)
    at::set_num_threads(static_cast<int>(options.threads));
  return c10::DeviceGuard(device);
}

at::Tensor Session::Impl::Labels(const Batch& batch) const {
  return ToDevice(at::tensor(at::ArrayRef<int32_t>(batch.labels), at::kLong), device);
}

at::Tensor Session::Impl::Forward(const Images& images, Precision precision) {
  const auto type = ComputeType(precision);
  auto pixels = renderer ? renderer->Render(images, type) : RenderBatch(images, type);
  if (!options.channels_last) pixels = pixels.contiguous();
  const AutocastGuard autocast(device.type(), type != at::kFloat, type);
  return model->forward(pixels).to(at::kFloat);
}

at::Tensor Session::Impl::Score(const Images& images) {
  const auto precision = options.score_in_fp32 ? Precision::kFp32 : options.precision;
  const auto type = ComputeType(precision);
  if (folds && !folded) {
    try {
      folded = model->Folded(type);
    } catch (const c10::Error&) {
      folds = false;
    }
  }
  return folded ? folded->Logits(RenderBatch(images, type)) : Forward(images, precision);
}

void Session::Impl::Learn(const at::Tensor& loss, double lr) {
  if (!scaler) {
    loss.backward();
    if (options.clip_norm > 0) ClipGradNorm(adam.Gradients(), options.clip_norm);
    adam.Step(lr);
    return;
  }
  scaler->Scale(loss).backward();
  if (options.clip_norm > 0) {
    scaler->Unscale(adam);
    ClipGradNorm(adam.Gradients(), options.clip_norm);
  }
  scaler->Step(adam, lr);
  scaler->Update();
  skipped += scaler->found_inf().to(at::kLong);
}

void Session::Impl::ForgetUnfinished() {
  adam.ClearGradients();
  if (scaler) scaler->Abandon();
}

at::Tensor Session::Impl::Scale() const {
  return scaler ? scaler->scale().to(at::kDouble) : at::ones({}, sums.options());
}

std::vector<NamedTensor> Session::Impl::State(StatePart part) const {
  return part == StatePart::kModel ? StateDict(*model) : TrainingState();
}

std::vector<NamedTensor> Session::Impl::TrainingState() const {
  std::vector<NamedTensor> state;
  for (const auto& parameter : adam.parameters()) {
    state.push_back({"optimizer.exp_avg." + parameter.name, parameter.exp_avg, false});
    state.push_back({"optimizer.exp_avg_sq." + parameter.name, parameter.exp_avg_sq, false});
    state.push_back({"optimizer.step." + parameter.name, parameter.step, false});
  }
  if (scaler) {
    for (const auto& entry : scaler->State()) state.push_back(entry);
    state.push_back({"scaler.skipped", skipped, false});
  }
  return state;
}

}  // namespace torchgraft
