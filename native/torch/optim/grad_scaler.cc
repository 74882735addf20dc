#include "torch/optim/grad_scaler.h"

#include <ATen/Functions.h>

#include <stdexcept>

namespace torchgraft {

namespace {

at::Tensor Scalar(double value, at::Device device) {
  return at::full({}, value, at::device(device).dtype(at::kFloat));
}

}  // namespace

GradScaler::GradScaler(const GradScalerOptions& options, at::Device device)
    : scale_(Scalar(options.init_scale, device)),
      growth_tracker_(at::zeros({}, at::device(device).dtype(at::kInt))),
      found_inf_(Scalar(0, device)),
      growth_factor_(Scalar(options.growth_factor, at::kCPU)),
      backoff_factor_(Scalar(options.backoff_factor, at::kCPU)),
      growth_interval_(at::full({}, options.growth_interval, at::kLong)) {}

at::Tensor GradScaler::Scale(const at::Tensor& loss) const { return loss * scale_; }

void GradScaler::Unscale(Adam& adam) {
  if (stage_ == Stage::kUnscaled) {
    throw std::logic_error(
        "unscale_() has already been called on this optimizer since the last update().");
  }
  if (stage_ == Stage::kStepped) throw std::logic_error("unscale_() is being called after step().");
  for (const auto& gradient : adam.Gradients()) {
    if (gradient.scalar_type() == at::kHalf)
      throw std::logic_error("Attempting to unscale FP16 gradients.");
  }
  // In double precision, as PyTorch does: 1 / scale may not be a float.
  Check(adam, scale_.to(at::kDouble).reciprocal().to(at::kFloat));
  stage_ = Stage::kUnscaled;
}

void GradScaler::Step(Adam& adam) {
  if (stage_ == Stage::kStepped)
    throw std::logic_error("step() has already been called since the last update().");
  if (stage_ == Stage::kUnscaled) {
    adam.Step({.found_inf = found_inf_});
  } else {
    Check(adam, Scalar(1, scale_.device()));
    adam.Step({.grad_scale = scale_, .found_inf = found_inf_});
  }
  stage_ = Stage::kStepped;
}

void GradScaler::Update() {
  if (!checked_) throw std::logic_error("No inf checks were recorded prior to update.");
  const at::NoGradGuard no_grad;
  at::_amp_update_scale_(scale_, growth_tracker_, found_inf_, growth_factor_.item<float>(),
                         backoff_factor_.item<float>(), growth_interval_.item<int64_t>());
  Abandon();
}

void GradScaler::Abandon() {
  stage_ = Stage::kReady;
  checked_ = false;
}

void GradScaler::Check(Adam& adam, const at::Tensor& inverse_scale) {
  const at::NoGradGuard no_grad;
  found_inf_ = Scalar(0, scale_.device());
  auto gradients = adam.Gradients();
  if (gradients.empty()) throw std::logic_error("Expected gradients before the optimizer's step.");
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found_inf_, inverse_scale);
  checked_ = true;
}

std::vector<NamedTensor> GradScaler::State() const {
  return {
      {"scaler.scale", scale_, false},
      {"scaler.growth_factor", growth_factor_, false},
      {"scaler.backoff_factor", backoff_factor_, false},
      {"scaler.growth_interval", growth_interval_, false},
      {"scaler._growth_tracker", growth_tracker_, false},
  };
}

}  // namespace torchgraft
