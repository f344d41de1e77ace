#pragma once
#include <filesystem>
#include <memory>

#include "core/nn/checkpoint.h"

namespace dream {

struct RunSpec;
struct System;

/// A program of PyTorch's as a system: its model, its behaviour where it has one, its world. It has no phases. Throws dream::Error
/// for a spec without a program, Untrusted for one that the user has not agreed to.
std::unique_ptr<System> make_torchscript(const RunSpec& spec);

/// What a file is to whoever opens runs.
enum class ForeignFile {
  none,     // none of PyTorch's
  weights,  // torch.save of tensors
  script,   // torch.jit.save
  exported  // torch.export.save
};
/// By its name and what the archive lists; nothing of it is unpacked.
ForeignFile foreign_file(const std::filesystem::path& path);

/// A file that is no run's, as a checkpoint: it holds the program, and says its world. Throws Untrusted, before anything of it is
/// parsed, and dream::Error for what is no program, in a sentence that says what it is.
Checkpoint load_foreign(const std::filesystem::path& path, ForeignFile kind);

}  // namespace dream
