#include <algorithm>

#include "torch/models/model.h"
#include "torch/models/regnet.h"
#include "torch/session/error.h"

namespace torchgraft {

namespace {

struct ModelFamily {
  std::vector<std::string> (*names)();
  std::shared_ptr<Model> (*make)(const std::string& name, int64_t classes,
                                 const LayerContext& context);
};

constexpr ModelFamily kFamilies[] = {
    {RegNetNames, MakeRegNet},
};

}  // namespace

std::vector<std::string> ModelNames() {
  std::vector<std::string> all;
  for (const auto& family : kFamilies) {
    const auto names = family.names();
    all.insert(all.end(), names.begin(), names.end());
  }
  return all;
}

std::shared_ptr<Model> MakeModel(const std::string& name, int64_t classes,
                                 const LayerContext& context) {
  for (const auto& family : kFamilies) {
    const auto names = family.names();
    if (std::find(names.begin(), names.end(), name) != names.end())
      return family.make(name, classes, context);
  }
  throw CodedError("ERR_MODEL_UNKNOWN", "There is no model " + name);
}

Graph GraphOf(const Model& model) {
  GraphBuilder builder;
  model.Describe(builder);
  return builder.Take();
}

}  // namespace torchgraft
