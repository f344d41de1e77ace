#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/engine/brought/their_parts.h"
#include "core/nn/checkpoint.h"

namespace dream {

/// Weights that other people's code has saved, by its names.
struct TheirWeights {
  std::map<std::string, torch::Tensor> tensors;
  std::string origin;  // the files, for messages
  std::string facts;   // "Breakout.pt, SHA-256 …; …"

  bool has(const std::string& name) const { return tensors.contains(name); }
  /// Throws dream::Error where there is no such tensor, or where it has too few dimensions.
  std::int64_t size(const std::string& name, std::int64_t dimension) const;
  /// How many begin with `prefix` and a number, 0, 1, 2 …, and a dot.
  std::int64_t numbered(const std::string& prefix) const;
};

/// How such weights become a run: what their shapes tell, and where every number goes.
struct BroughtPlan {
  std::vector<std::string> settings = {};  // "world.width=64"
  std::int64_t actions = 0;                // numbers of an action; a choice has as many as there are
  std::function<TheirParts(const std::string& ours)> parts;  // of a tensor of the run: "model/denoiser.in.weight"
  /// Theirs as ours has it, where more than a name differs; null: as it is.
  std::function<torch::Tensor(const std::string& ours, const torch::Tensor& theirs)> turned = {};
  /// One of ours whose parts have a shape, made of them in their order.
  std::function<torch::Tensor(const std::string& ours, const std::vector<torch::Tensor>& theirs)> joined = {};
  /// Why one of theirs has no place here, "its LPIPS, …"; "" where it must have one.
  std::function<std::string(const std::string& theirs)> passed_over = {};
  std::vector<std::string> remarks = {};  // what else is to be said, a sentence each
};

/// Whose files can be brought.
struct BroughtKind {
  std::string name, recipe, help;
  std::function<BroughtPlan(const TheirWeights&)> plan;
  std::vector<std::string> markers;  // names of which every file has one
};

/// What torch.save or safetensors wrote, several files as one. Read in a process of its own; nothing of it is run. Of a checkpoint that
/// holds more, only what lies beside a marker; names begin there, and what torch.compile puts between modules is left out. Throws
/// dream::Error naming the file that has no marker, or a name that two of them have.
TheirWeights read_their_weights(const std::vector<std::filesystem::path>& files, const BroughtKind& kind);

/// All kinds. A new one is one line in brought.cpp.
const std::vector<BroughtKind>& brought_kinds();
BroughtKind brought_diamond();
BroughtKind brought_iris();
BroughtKind brought_nm512();
BroughtKind brought_danijar();
BroughtKind brought_ctallec();

/// Every tensor of `run` becomes what `theirs` has for it, and what is left of theirs is passed over or refused; returns what was passed
/// over, a sentence each.
std::vector<std::string> take_theirs(Checkpoint& run, const TheirWeights& theirs, const BroughtPlan& plan);

struct BroughtSpec {
  std::vector<std::filesystem::path> files;
  std::string kind, environment;
  std::vector<std::string> settings;  // what shapes do not tell; they win
};
struct Brought {
  Checkpoint run;                    // as an export is one; its fact "from" names files and SHA-256
  std::vector<std::string> remarks;  // what was passed over, and the plan's
};
/// Throws dream::Error for an unknown kind, for weights that are missing, left over or of another shape (our name, theirs, both
/// shapes), for a world of other actions, and for whatever make_system refuses.
Brought bring(const BroughtSpec& spec);

}  // namespace dream
