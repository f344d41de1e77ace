#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "core/nn/torch.h"

namespace dream::cli {

/// Names, shapes, moments and histograms of the tensors that torch.save wrote there, a line each, and what else there is by
/// name. It is read in a process of its own. Throws dream::Error naming the file.
std::string state_dict_lines(const std::filesystem::path& path);

/// "tensors      106, 874502 values, 1.8 MB"
std::string tensor_count(const std::map<std::string, torch::Tensor>& tensors);
/// "  encoder.weight    F32 [64, 3, 4, 4]   -0.0012 ± 0.0510, -0.21 to 0.20   ▁▂▅█▅▂▁"
std::string tensor_lines(const std::map<std::string, torch::Tensor>& tensors);

}  // namespace dream::cli
