#pragma once

#include <map>
#include <string>
#include <vector>

#include "torch/models/inference/folded_model.h"

namespace torchgraft {

// The steps of a graph, several of its nodes in one where FoldedModel says so. Throws as its
// constructor does.
std::vector<FoldedModel::Step> Fold(const Graph& graph,
                                    const std::map<std::string, at::Tensor>& state,
                                    FoldedLayers& layers);

}  // namespace torchgraft
