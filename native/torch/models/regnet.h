#pragma once

#include <memory>
#include <string>
#include <vector>

#include "torch/models/model.h"

namespace torchgraft {

// Of torchvision's 15 variants, in its order.
std::vector<std::string> RegNetNames();

// RegNet with the module tree and the initial weights of torchvision's. Throws ERR_MODEL_UNKNOWN.
std::shared_ptr<Model> MakeRegNet(const std::string& name, int64_t classes,
                                  const LayerContext& context);

}  // namespace torchgraft
