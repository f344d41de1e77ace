#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "core/nn/torch.h"

namespace dream {

/// What torch.save wrote (a zip archive, since PyTorch 1.6): the tensors in it by the way to them ("model.encoder.0.weight"), and
/// what else there is, in words. Of whole modules too, as their tensors are found in what they are made of.
struct StateDict {
  std::map<std::string, torch::Tensor> tensors;
  std::map<std::string, std::string> rest;
};

/// Whether torch.save may have made it, today's or that of before 1.6.
bool is_torch_save(const std::filesystem::path& path);

/// Reads it without running anything: names of Python's functions and classes are words here, and a tensor's is the only one
/// that is understood. Throws dream::Error naming the file. Files of strangers are to be read in a process of its own
/// (run_isolated), as the archive's reader is Torch's.
StateDict read_state_dict(const std::filesystem::path& path);

}  // namespace dream
