#include "core/engine/system.h"

#include <mutex>

#include "api/error.h"
#include "core/env/registry.h"
#include "core/nn/device.h"

namespace dream {
namespace {

constexpr const char* starts_prefix = "starts/";

void refuse_what_it_lacks(const RecipeEntry& recipe, const std::string& environment) {
  const auto spaces = make_env(environment)->spaces();
  const auto reason = recipe.lacks(spaces);
  if (reason.empty()) return;
  std::string others;
  for (const auto& other : recipes()) {
    if (other.lacks(spaces).empty()) others += (others.empty() ? "" : ", ") + other.name;
  }
  throw Error("the recipe " + recipe.name + " cannot serve " + environment + ": " + reason + ". " +
              (others.empty() ? "No recipe serves this world yet" : "Recipes that serve it: " + others));
}

}  // namespace

std::unique_ptr<System> make_system(const RunSpec& spec) {
  std::vector<std::string> names;
  for (const auto& recipe : recipes()) {
    if (recipe.name == spec.recipe) {
      refuse_what_it_lacks(recipe, spec.environment);
      static std::mutex building;  // first weights come from Torch's one generator, which a recipe seeds
      const std::lock_guard lock(building);
      return recipe.make(spec);
    }
    names.push_back(recipe.name);
  }
  const auto near = nearest(spec.recipe, names);
  std::string known;
  for (const auto& name : names) known += (known.empty() ? "" : ", ") + name;
  throw Error("there is no recipe '" + spec.recipe + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?") +
              " The recipes are: " + known);
}

void apply_settings(Config& config, const RunSpec& spec) {
  if (!spec.toml.empty()) config.parse(spec.toml, spec.toml_origin);
  for (const auto& setting : spec.settings) config.set_text(setting);
}

void System::store_weights(Checkpoint& into) const {
  store_module(into, "model", *model);
  store_module(into, "behaviour", *behaviour);
  for (const auto& [name, tensor] : starts) into.tensors[starts_prefix + name] = tensor;
}

void System::load_weights(const Checkpoint& from) {
  // The starts first, into a local: load_module checks all before it writes, so the last throw comes before the first
  // change as long as the model and the behaviour are checked together.
  Carry loaded;
  const auto expected = model->initial(1);
  for (const auto& [name, tensor] : expected) {
    if (!from.tensors.contains(starts_prefix + name)) continue;
    auto shape = tensor.sizes().vec();
    shape[0] = -1;
    loaded[name] = from.get(starts_prefix + name, shape).to(device);
  }
  if (!loaded.empty() && loaded.size() != expected.size()) {
    throw Error(from.origin + ": the start states are incomplete (" + std::to_string(loaded.size()) + " of " +
                std::to_string(expected.size()) + " tensors)");
  }
  Checkpoint before;
  store_module(before, "model", *model);
  load_module(from, "model", *model);
  try {
    load_module(from, "behaviour", *behaviour);
  } catch (...) {
    load_module(before, "model", *model);
    throw;
  }
  starts = std::move(loaded);
}

std::unique_ptr<System> load_system(const Checkpoint& checkpoint, const std::string& device) {
  RunSpec spec;
  spec.recipe = checkpoint.text("recipe");
  spec.environment = checkpoint.text("environment");
  spec.toml = checkpoint.text("config");
  spec.toml_origin = checkpoint.origin + ", field 'config'";
  spec.device = device;
  auto system = make_system(spec);
  system->load_weights(checkpoint);
  system->metrics.load(checkpoint);
  return system;
}

std::filesystem::path checkpoint_path(const std::filesystem::path& run) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(run, ignored)) return run;
  const auto inside = run / "checkpoint.safetensors";
  if (std::filesystem::is_regular_file(inside, ignored)) return inside;
  if (!std::filesystem::exists(run, ignored))
    throw Error(run.string() + " does not exist; expected a run's folder or a .safetensors file");
  throw Error(run.string() + " holds no checkpoint.safetensors; expected a run's folder or a .safetensors file");
}

}  // namespace dream
