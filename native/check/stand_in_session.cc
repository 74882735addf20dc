// A session that computes nothing, for npm run check:tsan: it lets native/node be watched without
// libtorch, whose own threads a sanitizer would not understand. A step reads its batch and writes
// its state, as a real one does.

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <thread>
#include <utility>

#include "torch/distributed/group.h"
#include "torch/session/error.h"
#include "torch/session/session.h"
#include "torch/session/system.h"

namespace torchgraft {

namespace {

constexpr std::chrono::microseconds kStep{200};
constexpr int64_t kNumbers = 1000;

}  // namespace

struct Session::Impl {
  int64_t classes;
  TrainSums sums;
  std::vector<float> state = std::vector<float>(kNumbers);
};

// Of one rank: it waits for nobody.
struct Group::Impl {
  GroupOptions options;
};

Group::Group(GroupOptions options) : impl_(std::make_unique<Impl>(Impl{std::move(options)})) {}
Group::~Group() = default;
const GroupOptions& Group::options() const { return impl_->options; }
void Group::Join() {}
void Group::Barrier() {}
std::vector<uint8_t> Group::Broadcast(std::vector<uint8_t> bytes, int) { return bytes; }
std::vector<std::vector<uint8_t>> Group::AllGather(std::vector<uint8_t> bytes) { return {bytes}; }
std::vector<double> Group::AllReduce(std::vector<double> numbers) { return numbers; }
void Group::Leave() {}
Traffic Group::traffic() const { return {}; }
void Group::Abort(const std::string&) noexcept {}

std::vector<std::string> ModelNames() { return {"stand-in"}; }

ModelDescription DescribeModel(const std::string&, int64_t) {
  return {.tensors = {{.entry = {.name = "fc.bias", .is_int64 = false, .shape = {kNumbers}},
                       .use = {.role = TensorRole::kBias, .head = true}}},
          .graph = {}};
}

Session::Session(const SessionOptions& options)
    : impl_(std::make_unique<Impl>(Impl{.classes = options.classes, .sums = {}})) {}

Session::~Session() = default;

int64_t Session::num_parameters() const { return kNumbers; }

std::vector<StateEntry> Session::Layout(StatePart) const {
  return {DescribeModel("", 0).tensors[0].entry};
}

TrainSums Session::TrainStep(const Batch& batch, double lr, bool read) {
  CheckImages(batch.images);
  const auto& pixels = batch.images.pixels;
  const auto sum = std::accumulate(pixels.data(), pixels.data() + pixels.size(), uint64_t{0});
  for (float& number : impl_->state) number += static_cast<float>(lr);
  std::this_thread::sleep_for(kStep);
  impl_->sums.steps += 1;
  impl_->sums.images += batch.images.size();
  impl_->sums.loss += static_cast<double>(sum);
  if (!read) return {};
  return std::exchange(impl_->sums, {});
}

EvalResult Session::EvalStep(const Batch& batch) {
  CheckImages(batch.images);
  std::this_thread::sleep_for(kStep);
  const auto logits = static_cast<size_t>(batch.images.size() * impl_->classes);
  return {.loss = 0, .correct = 0, .logits = std::vector<float>(logits, impl_->state[0])};
}

std::vector<std::string> Session::DeviceNotes() const { return {}; }

int64_t Session::FreeMemory() const { return 0; }

void Session::ClearPixels() {}

AllocateBytes Session::PixelMemory() const { return {}; }

void Session::ReadState(StatePart, uint8_t* into, size_t bytes) const {
  if (bytes != kNumbers * sizeof(float)) throw CodedError("ERR_STATE_DICT_MISMATCH", "length");
  std::memcpy(into, impl_->state.data(), bytes);
}

void Session::WriteState(StatePart, const uint8_t* from, size_t bytes,
                         const std::vector<uint8_t>& written) {
  if (bytes != kNumbers * sizeof(float)) throw CodedError("ERR_STATE_DICT_MISMATCH", "length");
  if (written.at(0) != 0) std::memcpy(impl_->state.data(), from, bytes);
}

System DescribeSystem() {
  return {.libtorch_version = "0.0.0",
          .cuda_devices = {},
          .multiplies_bf16 = false,
          .processor_features = {},
          .threads = 1};
}

void WarmUp(const std::string&) {}

bool CudaMultipliesBf16(const std::string&) { return false; }

void RenderFloats(const Images& images, Renderer, float* into, size_t length) {
  CheckImages(images);
  std::fill_n(into, length, 0.0f);
}

std::vector<float> ChannelMoments(const Images&) { return std::vector<float>(6); }

std::vector<float> MeanStdOf(const std::vector<float>& sums, double) { return sums; }

Failure CurrentFailure() noexcept {
  try {
    throw;
  } catch (const CodedError& error) {
    return {error.code(), error.what()};
  } catch (const std::exception& error) {
    return {"ERR_ADDON", error.what()};
  } catch (...) {
    return {"ERR_ADDON", "an unknown native error"};
  }
}

}  // namespace torchgraft
