#include <algorithm>
#include <fstream>
#include <random>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/isolated.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/engine/brought/brought.h"
#include "core/nn/state_dict.h"

namespace dream {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;
constexpr int reading_seconds = 120;

std::string sha256_of(const std::filesystem::path& path) {
  std::vector<char> bytes(static_cast<std::size_t>(regular_file_size(path)));
  std::ifstream in(path, std::ios::binary);
  if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) throw Error("'" + path.string() + "' cannot be read");
  return sha256(bytes.data(), bytes.size());
}

/// A file that is gone with its scope.
struct PassingFile {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("dreamscope-weights-" + std::to_string(std::random_device()()) + std::to_string(std::random_device()()));
  PassingFile() = default;
  PassingFile(const PassingFile&) = delete;
  PassingFile& operator=(const PassingFile&) = delete;
  ~PassingFile() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

/// Torch's reader of archives may crash of a stranger's file: it works in a process of its own, which leaves the tensors in a file of
/// ours.
Tensors read_isolated(const std::filesystem::path& path) {
  const PassingFile passed;
  run_isolated("'" + path.string() + "'", reading_seconds, [&] {
    torch::set_num_threads(1);  // there are no others in this process
    Checkpoint found;
    found.tensors = read_state_dict(path).tensors;
    for (const auto& [name, tensor] : found.tensors) {
      if (tensor.nbytes() > tensor.storage().nbytes())
        throw Error("'" + path.string() + "': '" + printable(name, 120) + "' is larger than the numbers that it is made of");
    }
    found.save(passed.path);
    return std::string();
  });
  return Checkpoint::load(passed.path).tensors;
}

std::string without(std::string name, const std::string& part) {
  for (auto at = name.find(part); at != std::string::npos; at = name.find(part)) name.erase(at, part.size());
  return name;
}

/// What stands before the names of the model's own.
std::string prefix_in(const Tensors& tensors, const std::string& file, const BroughtKind& kind) {
  for (const auto& marker : kind.markers) {
    for (const auto& [name, tensor] : tensors) {
      const auto before = name.size() - std::min(name.size(), marker.size());
      if (name.ends_with(marker) && (before == 0 || name[before - 1] == '.')) return name.substr(0, before);
    }
  }
  std::string known;
  for (const auto& marker : kind.markers) known += (known.empty() ? "'" : " or '") + marker + "'";
  throw Error(file + " has no weights of the kind " + kind.name + " (" + kind.help + "): there is no " + known + " in it");
}

}  // namespace

TheirWeights read_their_weights(const std::vector<std::filesystem::path>& files, const BroughtKind& kind) {
  TheirWeights all;
  for (const auto& file : files) {
    const auto said = "'" + file.string() + "'";
    all.origin += (all.origin.empty() ? "" : ", ") + said;
    Tensors plain;
    for (auto& [name, tensor] : is_torch_save(file) ? read_isolated(file) : Checkpoint::load(file).tensors)
      plain.emplace(without(name, "_orig_mod."), tensor);
    const auto prefix = prefix_in(plain, said, kind);
    for (auto& [name, tensor] : plain) {
      if (name.starts_with(prefix) && !all.tensors.emplace(name.substr(prefix.size()), tensor).second)
        throw Error(said + " holds '" + printable(name, 120) + "', as a file before it does: name the files of one model alone");
    }
    all.facts += (all.facts.empty() ? "" : "; ") + printable(file.filename().string()) + ", SHA-256 " + sha256_of(file);
  }
  return all;
}

}  // namespace dream
