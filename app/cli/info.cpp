#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "api/error.h"
#include "app/cli/info_dataset.h"
#include "app/cli/info_weights.h"
#include "app/cli/verb.h"
#include "core/data/minari.h"
#include "core/engine/run_file.h"
#include "core/engine/script/script_recipe.h"
#include "core/engine/system.h"
#include "core/models/representation.h"
#include "core/models/script_program.h"
#include "core/nn/parameter_count.h"

namespace dream::cli {
namespace {

/// "key          text", where neither need be one that a terminal should be shown as it is.
void print_fact(const std::string& key, const std::string& text) {
  std::printf("%-12s %s\n", printable(key, 40).c_str(), printable(text).c_str());
}

/// Where training stands. Returns what is wrong with it, if anything is.
std::optional<Error> print_phases(const System& system, const Checkpoint& checkpoint) {
  if (system.phases.empty() && checkpoint.tensors.contains(program_key)) {
    std::printf("phases       none: a program that learns nothing here\n");
    return std::nullopt;
  }
  if (holds_weights_alone(checkpoint)) {
    const bool learns = !system.phases.empty();
    std::printf("phases       none: an export, for dreaming%s\n", learns ? ", evaluating and to begin a training from" : " and evaluating; it learns nothing here");
    return std::nullopt;
  }
  std::optional<Error> damage;
  for (const auto& phase : system.phases) {
    try {
      naming(checkpoint.origin, [&] { phase->load(checkpoint); });
      std::printf("phase        %-10s %3.0f %%  %s\n", phase->name().c_str(), phase->progress() * 100,
                  phase->detail().c_str());
    } catch (const Error& error) {
      std::printf("phase        %-10s damaged, see below\n", phase->name().c_str());
      damage = error;
    }
  }
  return damage;
}

void print_checkpoint(const std::filesystem::path& path) {
  const bool script = foreign_file(path) == ForeignFile::script;
  auto checkpoint = script ? load_run(path) : Checkpoint::load(path);
  print_fact("checkpoint", path.string());
  for (const auto& [key, text] : checkpoint.metadata) {
    if (key != "config" && key != run_progress_key) print_fact(key.starts_with("fact/") ? key.substr(5) : key, text);
  }
  std::fputs(tensor_count(checkpoint.tensors).c_str(), stdout);
  if (!checkpoint.metadata.contains("recipe")) return void(std::fputs(tensor_lines(checkpoint.tensors).c_str(), stdout));
  migrate(checkpoint);
  auto system = load_system(checkpoint, "cpu");
  const auto count = [](const torch::nn::Module& module) { return static_cast<long long>(parameter_count(module)); };
  if (system->model) {
    for (const auto& child : system->model->named_children())
      std::printf("parameters   %-10s %lld\n", child.key().c_str(), count(*child.value()));
  }
  if (system->encoder) {
    for (const auto& child : system->encoder->named_children())
      std::printf("parameters   %-10s %lld\n", child.key().c_str(), count(*child.value()));
  }
  if (system->behaviour) std::printf("parameters   %-10s %lld\n", "behaviour", count(*system->behaviour));
  const auto damage = print_phases(*system, checkpoint);
  for (const auto& curve : system->metrics.views(nullptr)) {
    if (!curve.y.empty())
      std::printf("curve        %-20s %.4g at %s %.0f\n", curve.name.c_str(), curve.y.back(), curve.x_unit.c_str(),
                  curve.x.back());
  }
  const auto departures = system->config.departures();
  for (const auto& text : departures) std::printf("departs      %s\n", text.c_str());
  if (departures.empty()) std::printf("departs      in nothing from the recipe's own settings\n");
  std::printf("\n");
  std::istringstream lines(checkpoint.text("config"));
  for (std::string line; std::getline(lines, line);) std::printf("%s\n", printable(line).c_str());
  if (damage) throw *damage;
}

}  // namespace

Verb info_verb(CLI::App& app) {
  struct Asked {
    std::string path, sheet;
  };
  auto asked = std::make_shared<Asked>();
  auto* command = app.add_subcommand("info", "What is in a run, a dataset or a checkpoint");
  command->add_option("path", asked->path, "A run's folder, a dataset's folder or a file in it, a .safetensors file, or a file of PyTorch's: weights (torch.save) or a TorchScript module")->required();
  command->add_option("--sheet", asked->sheet, "Of a dataset: write thumbnails of its episodes to this PNG");
  return {command, [asked](const Common&) {
            if (is_dataset(asked->path)) {
              print_dataset(asked->path, asked->sheet);
            } else if (!asked->sheet.empty()) {
              throw Error("--sheet shows a dataset's episodes, and " + asked->path + " is none");
            } else if (const auto within = minari::datasets_within(asked->path);
                       !within.empty() && !std::filesystem::exists(std::filesystem::path(asked->path) / "checkpoint.safetensors")) {
              throw Error(asked->path + " is neither a run nor a dataset" + within);
            } else if (const auto kind = foreign_file(asked->path); kind == ForeignFile::exported) {
              load_foreign(asked->path, kind);
            } else if (kind == ForeignFile::weights) {
              const auto lines = state_dict_lines(asked->path);
              print_fact("weights", asked->path);
              std::fputs(lines.c_str(), stdout);
            } else {
              print_checkpoint(checkpoint_path(asked->path));
            }
          }};
}

}  // namespace dream::cli
