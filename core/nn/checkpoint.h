#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "core/nn/torch.h"

namespace dream {

/// A safetensors file: named tensors and text metadata. https://github.com/huggingface/safetensors (format).
struct Checkpoint {
  std::map<std::string, torch::Tensor> tensors;  // "v/encoder.0.weight", "v.adam/…", "c.cma/mean"
  std::map<std::string, std::string> metadata;   // counters, RNG states, the run's TOML under "config"

  /// Written to a temporary file beside `path`, flushed to the disk, then renamed: a crash leaves the old file whole. With a
  /// checksum of all that is in it, as the metadata "crc32", which load() compares and takes away.
  void save(const std::filesystem::path& path) const;

  /// Throws dream::Error naming the file, the tensor and what was expected, for a file that is missing, truncated,
  /// foreign or hostile (overlapping or out-of-range offsets, absurd shapes, header larger than the file …).
  static Checkpoint load(const std::filesystem::path& path);

  /// The same checks of the header, but no tensor is read: those here have type and shape, and no memory (Torch's meta
  /// device). For lists of runs.
  static Checkpoint peek(const std::filesystem::path& path);

  /// The tensor `name`, checked against a shape (-1 = any) and converted to float32 when it is a floating type.
  torch::Tensor get(const std::string& name, torch::IntArrayRef shape) const;
  /// The same, as stored: float64 (CMA-ES) keeps its digits.
  torch::Tensor exact(const std::string& name, torch::IntArrayRef shape) const;
  /// As stored, and where it is of a floating type every value of it finite.
  torch::Tensor finite(const std::string& name, torch::IntArrayRef shape) const;
  /// One whole number that counts something: not negative, and no more than anything here can come to.
  std::int64_t count(const std::string& name) const;
  const std::string& text(const std::string& key) const;  // throws when missing
  std::string origin;                                     // the file that it came from, for messages
};

/// Every parameter and buffer of `module` under `prefix` + "/". load_module copies in place after checking every name
/// and shape first: a mismatch throws and leaves the module as it was. A part "slow_x" follows a part "x": where the checkpoint
/// has none of it, it begins as a copy of that one.
void store_module(Checkpoint& into, const std::string& prefix, const torch::nn::Module& module);
void load_module(const Checkpoint& from, const std::string& prefix, torch::nn::Module& module);
/// Takes such parts out of `prefix`: what learns needs them, and nobody else.
void leave_out_slow_copies(Checkpoint& of, const std::string& prefix);

}  // namespace dream
