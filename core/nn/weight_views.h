#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/nn/torch.h"

namespace dream {

/// Each tensor with type, shape, moments and a histogram of so many bars, by name.
std::vector<WeightView> weight_views(const std::map<std::string, torch::Tensor>& tensors, std::size_t bars = 12);

/// Those that torch.save wrote there. It is read in a process of its own. Throws dream::Error naming the file.
std::vector<WeightView> saved_weight_views(const std::filesystem::path& path, std::size_t bars);

}  // namespace dream
