#include "torch/session/session_impl.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include "torch/augment/render.h"
#include "torch/cuda/graphs/device_stream.h"
#include "torch/models/cast_weights.h"
#include "torch/optim/autocast.h"
#include "torch/session/error.h"
#include "torch/session/transfer.h"

namespace torchgraft {

namespace {

// Weights whose memory is NHWC make activations NHWC.
void UseChannelsLast(Model& model) {
  for (auto& parameter : model.parameters()) {
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

// They are written for the CPU and NHWC.
bool HasOwnKernels(const SessionOptions& options) {
  return !options.plain_kernels && options.channels_last && at::Device(options.device).is_cpu();
}

bool RecordsSteps(const SessionOptions& options) {
  return !options.plain_kernels && at::Device(options.device).is_cuda() && CanCaptureGraphs();
}

// Before the model, which is made while the kernel is compiled.
std::optional<DeviceRenderer> RendererFor(at::Device device, KernelCache& kernels) {
  if (device.is_cpu()) return std::nullopt;
  return std::optional<DeviceRenderer>(std::in_place, device, kernels);
}

std::optional<CachingAllocatorLease> MakeLease(const SessionOptions& options) {
  if (options.plain_kernels) return std::nullopt;
  return std::optional<CachingAllocatorLease>(std::in_place);
}

std::shared_ptr<const LayerKernels> MakeLayerKernels(const SessionOptions& options) {
  const at::Device device(options.device);
  if (options.plain_kernels || !options.channels_last || !device.is_cuda()) return nullptr;
  return std::make_shared<const LayerKernels>(device, ComputeType(options.precision),
                                              *options.kernels);
}

std::shared_ptr<SyncedRanks> MakeSynced(const SessionOptions& options) {
  if (!options.group || !options.sync_batch_norm) return nullptr;
  return std::make_shared<SyncedRanks>(
      SyncedRanks{.all_reduce = [group = options.group](const at::Tensor& numbers) {
        group->impl().BeginAllReduce(numbers)->wait();
      }});
}

std::shared_ptr<Model> Make(const SessionOptions& options,
                            const std::shared_ptr<const LayerKernels>& kernels,
                            const std::shared_ptr<const SyncedRanks>& synced) {
  const auto generator =
      at::detail::createCPUGenerator(options.seed);  // the global one is the user's
  return MakeModel(options.model, options.classes,
                   LayerContext{.init = {.device = at::kCPU, .generator = generator},
                                .own_kernels = HasOwnKernels(options),
                                .device_kernels = kernels,
                                .synced = synced});
}

}  // namespace

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

Session::Impl::Impl(const SessionOptions& options)
    : allocator(MakeLease(options)),
      options(options),
      device(options.device),
      stream(DeviceStream(device)),
      renderer(RendererFor(device, *options.kernels)),
      pixel_cache(std::make_unique<PixelCache>(device)),
      layer_kernels(MakeLayerKernels(options)),
      adam(options.optimizer),
      synced(MakeSynced(options)),
      model(Make(options, layer_kernels, synced)),
      layers(MakeFoldedLayers()) {
  const Entered entered(*this);
  if (options.freeze_batch_norm) FreezeBatchNorm(*model);
  model->to(device);
  if (options.channels_last) UseChannelsLast(*model);
  if (!options.class_weights.empty()) class_weights = at::tensor(options.class_weights).to(device);
  if (options.precision == Precision::kFp16) scaler.emplace(options.scaler, device);
  AddParameters();
  // Waits: no thread of ours outlives this.
  if (renderer) renderer->note();
  if (layer_kernels) layer_kernels->note();
  sums = at::zeros({2}, at::device(device).dtype(at::kDouble));
  skipped = at::zeros({}, at::device(device).dtype(at::kLong));
  if (options.group) parallel.emplace(options.group, StateDict(*model), adam.Values());
  if (!RecordsSteps(options)) return;
  report = at::zeros({4}, sums.options());
  // Operation by operation the optimizer waits for its step count, which cannot be recorded.
  if (options.optimizer.fused && !parallel) {
    training.emplace(at::device(device).dtype(ComputeType(options.precision)),
                     options.channels_last, options.classes);
  }
  scoring.emplace(at::device(device).dtype(ComputeType(ScoringPrecision())), options.channels_last,
                  options.classes);
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

Session::Impl::Entered::Entered(const Impl& impl)
    : device_(impl.device), benchmark_(impl.options.cudnn_benchmark) {
  if (at::get_num_threads() != impl.options.threads)
    at::set_num_threads(static_cast<int>(impl.options.threads));
  if (impl.stream) stream_.emplace(*impl.stream);
}

at::Tensor Session::Impl::Labels(const Batch& batch) const {
  return ToDevice(at::tensor(at::ArrayRef<int32_t>(batch.labels), at::kLong), device);
}

at::Tensor Session::Impl::Pixels(const Images& images, Precision precision) const {
  const auto type = ComputeType(precision);
  const auto rendered = renderer ? renderer->Render(images, type, pixel_cache.get())
                                 : RenderBatch(images, type, pixel_cache.get());
  return options.channels_last ? rendered : rendered.contiguous();
}

at::Tensor Session::Impl::Forward(const at::Tensor& pixels, Precision precision) {
  const auto type = ComputeType(precision);
  const bool mixed = type != at::kFloat;
  const AutocastGuard autocast(device.type(), mixed, type);
  std::optional<CastWeights> weights;
  // Several processes reduce gradients while the backward pass runs: each as it comes, not
  // together.
  const bool together = mixed && device.is_cuda() && !options.plain_kernels && !parallel;
  if (together) weights.emplace(*model, type);
  return model->Forward(pixels).to(at::kFloat);
}

std::vector<std::string> Session::Impl::DeviceNotes() const {
  std::vector<std::string> notes;
  if (renderer && !renderer->note().empty()) notes.push_back(renderer->note());
  if (layer_kernels && !layer_kernels->note().empty()) notes.push_back(layer_kernels->note());
  if (device.is_cuda() && !options.plain_kernels && !CanCaptureGraphs()) {
    notes.emplace_back(
        "Steps are launched operation by operation, which takes longer than CUDA graphs would: "
        "this addon was built where there were no CUDA headers of 12.4 or newer. Install a CUDA "
        "toolkit, or beside libtorch \"pip install nvidia-cuda-runtime nvidia-cuda-crt\" (of CUDA "
        "12: nvidia-cuda-runtime-cu12 nvidia-cuda-nvcc-cu12), and run \"torchgraft setup\"");
  }
  if (device.is_cuda() && !folding_problem.empty()) {
    notes.push_back(
        "Scoring computes batch norms apart, which takes longer than folded into the convolutions: "
        "folding failed: " +
        folding_problem);
  }
  if (device.is_cuda() && parallel) {
    notes.emplace_back(
        "Training steps of several processes are launched operation by operation, which takes "
        "longer than CUDA graphs would");
  }
  for (const auto* steps : {&training, &scoring}) {
    if (!*steps || (*steps)->problem().empty()) continue;
    notes.emplace_back(
        "Steps are launched operation by operation, since recording one as a CUDA graph failed: " +
        (*steps)->problem());
  }
  return notes;
}

void Session::Impl::DiscardPartialStep() {
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
