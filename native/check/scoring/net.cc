#include "check/scoring/net.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "torch/session/state_dict.h"

namespace torchgraft {

Net::Net(const std::string& name, at::Device device)
    : generator(at::detail::createCPUGenerator(/*seed=*/5)),
      model(MakeModel(name, kClasses,
                      LayerContext{.init = {.device = at::kCPU, .generator = generator}})) {
  model->eval();
  model->to(device);
  for (const auto& entry : StateDict(*model)) state[entry.name] = entry.tensor;
}

void Net::Train() {
  for (auto& [name, tensor] : state) {
    if (!tensor.is_floating_point()) continue;
    const auto drawn = at::rand(tensor.sizes(), generator, tensor.options());
    if (name.find("running_var") != std::string::npos) {
      tensor.copy_(drawn * 0.5 + 0.75);
    } else {
      tensor.add_((drawn - 0.5) * (tensor.dim() == 4 ? 0.01 : 0.2));
    }
  }
}

at::Tensor Net::Images(int64_t count, int64_t size) {
  return at::randn({count, 3, size, size}, generator, at::kFloat)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

double Distance(const at::Tensor& found, const at::Tensor& expected) {
  return ((found - expected).abs().max() / expected.abs().max()).item<double>();
}

}  // namespace torchgraft
