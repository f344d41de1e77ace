#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/behaviours/behaviour.h"
#include "core/config/config.h"
#include "core/engine/metrics.h"
#include "core/engine/phase.h"
#include "core/env/env.h"
#include "core/models/world_model.h"

namespace dream {

class Representation;

/// A system of the literature put together: environment + model + behaviour + phases. What a recipe makes, what a
/// checkpoint holds, what the trainer trains and the player dreams with.
struct System {
  std::string recipe, environment;
  std::vector<std::string> worlds = {};  // that the same weights act in, `environment` among them; empty: in it alone
  std::string title;  // "World Models (V-M-C)"
  torch::Device device = torch::kCPU;
  std::shared_ptr<WorldModel> model;     // null: it acts in the real world alone
  std::shared_ptr<Representation> encoder;  // what pictures are to it, where it has learned no more than to see; else null
  std::shared_ptr<Behaviour> behaviour;  // null: people drive
  std::shared_ptr<Behaviour> driver;     // in dreams and at the window; null: the behaviour, or a plan in its place
  Carry starts;                          // states to begin a dream from without an environment, [N, ...]; may be empty
  std::function<std::unique_ptr<Env>()> make_env;  // with the recipe's own preprocessing of the picture
  Config config;
  Metrics metrics{{}};
  std::map<std::string, std::string> facts;  // findings in words, kept in the checkpoint: "score"
  std::vector<std::shared_ptr<Phase>> phases;
  std::function<void()> follow_settings = [] {};       // what was set live reaches model, behaviour and curves
  /// A setting whose effect can be watched within seconds, as the system learns so fast: its values are learned with anew.
  struct Vary {
    std::string key = {};  // empty: none
    std::vector<double> values = {};
  } vary = {};
  std::function<double()> memory_bytes, budget_bytes;  // of the replay; empty where there is none
  std::filesystem::path directory;                     // of the run; datasets lie in it
  std::filesystem::path history;                       // where it keeps earlier weights (weight_history.h)
  std::shared_ptr<void> parts;                         // options, optimisers and data, which the phases share

  const std::shared_ptr<Behaviour>& who_drives() const { return driver ? driver : behaviour; }

  /// The weights alone (model, behaviour, encoder, starts): what the player takes.
  void store_weights(Checkpoint& into) const;
  /// All or nothing: throws dream::Error and changes nothing when anything is missing or of another shape.
  void load_weights(const Checkpoint& from);
  /// The start states that are in it, on this device; none where it has none. Throws dream::Error where they are not this model's.
  Carry starts_in(const Checkpoint& from) const;
};

/// Of all weights of a system, 16 hexadecimal digits: two systems with the same one dream the same.
std::string fingerprint(const System& system);

struct RunSpec {
  std::string recipe = "vmc", environment = "CarRacing";
  std::filesystem::path directory;    // empty: for dreaming only
  std::vector<std::string> settings;  // "v.learning_rate=1e-4"
  std::string toml, toml_origin;      // the settings of a checkpoint, applied before `settings`
  std::string device = "cpu";
  std::int64_t weights = 0;  // values of a checkpoint's weights: settings that need far more are refused; 0 = any
  torch::Tensor program = {};  // uint8 [N], that a checkpoint brings with it: of the recipe "torchscript" alone
};

struct RecipeEntry {
  std::string name, title, help;
  std::function<std::unique_ptr<System>(const RunSpec&)> make;
  std::function<std::string(const Spaces&)> lacks;  // why it cannot serve a world of these spaces; "" where it can
  std::string world = {};  // it begins in, where nobody says another; empty: in the first that it can serve
  bool by_file = false;  // what it makes comes whole with a file: nobody begins a run of it, and it learns nothing
};

/// Every recipe, in the order in which the window lists them. A new recipe is one line in recipes.cpp.
const std::vector<RecipeEntry>& recipes();
/// Throws dream::Error for an unknown recipe or environment (with the nearest name), a bad setting or device, and for a
/// world that the recipe cannot serve, naming those that can.
std::unique_ptr<System> make_system(const RunSpec& spec);
/// For recipes: the settings of `spec`, before anything is built from them.
void apply_settings(Config& config, const RunSpec& spec);
/// The same where `size` chooses the defaults: it is read first, `constants` gives those of it, and what the spec says wins over them.
template <typename Options, typename Constants>
void apply_sized_settings(System& system, const RunSpec& spec, Options& options, Constants constants) {
  options.fields(system.config);
  apply_settings(system.config, spec);
  Options sized;
  sized.size = options.size;
  constants(sized);
  options = sized;
  system.config.take_as_default();
  apply_settings(system.config, spec);
}
/// The recipe, environment and settings of a checkpoint.
RunSpec spec_of(const Checkpoint& checkpoint, const std::string& device);
/// The system that a checkpoint describes, with its weights loaded; in another of its worlds, or in its own with other factors, where
/// `world` names one. Throws dream::Error, naming its worlds, where it has no such one.
std::unique_ptr<System> load_system(const Checkpoint& checkpoint, const std::string& device, const std::string& world = {});

/// A run's folder, or a checkpoint file itself -> the checkpoint file. Throws dream::Error when there is none.
std::filesystem::path checkpoint_path(const std::filesystem::path& run);

}  // namespace dream
