#include "core/engine/system.h"

#include <algorithm>
#include <mutex>

#include "api/error.h"
#include "core/base/fnv.h"
#include "core/behaviours/own_or_planned.h"
#include "core/data/folder_look.h"
#include "core/engine/run_file.h"
#include "core/env/registry.h"
#include "core/models/representation.h"
#include "core/models/script_model.h"
#include "core/nn/device.h"
#include "core/nn/memory_limit.h"

namespace dream {
namespace {

constexpr const char* starts_prefix = "starts/";

void refuse_what_it_lacks(const RecipeEntry& recipe, const std::string& environment) {
  const auto spaces = make_env(environment)->spaces();
  const auto reason = recipe.lacks(spaces);
  if (reason.empty()) return;
  std::string others;
  for (const auto& other : recipes()) {
    if (!other.by_file && other.lacks(spaces).empty()) others += (others.empty() ? "" : ", ") + other.name;
  }
  throw Error("the recipe " + recipe.name + " cannot serve " + environment + ": " + reason + ". " +
              (others.empty() ? "No recipe serves this world yet" : "Recipes that serve it: " + others));
}

const RecipeEntry& find_recipe(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& recipe : recipes()) {
    if (recipe.name == name) return recipe;
    names.push_back(recipe.name);
  }
  const auto near = nearest(name, names);
  std::string known;
  for (const auto& other : recipes())
    if (!other.by_file) known += (known.empty() ? "" : ", ") + other.name;
  throw Error("there is no recipe '" + name + "'" + (near.empty() ? "." : "; did you mean '" + near + "'?") +
              " The recipes are: " + known);
}

/// What the weights of a file may need while a system is made for them: themselves, their optimisers' moments, copies in
/// other precisions, and what their first values are drawn with.
MemoryLimit limit_for(std::int64_t weights) {
  const auto bytes = static_cast<std::uint64_t>(weights) * sizeof(float);
  return {(std::uint64_t{64} << 20) + 2 * bytes, (std::uint64_t{256} << 20) + 32 * bytes};
}

/// The setting without whose departure from the recipe's own value the system would fit; "" where none alone is it.
std::string culprit(const RecipeEntry& recipe, const RunSpec& spec) {
  RunSpec plain;
  plain.recipe = spec.recipe;
  plain.environment = spec.environment;
  const auto own = recipe.make(plain);
  for (const auto& field : own->config.fields()) {
    const auto* whole = std::get_if<std::int64_t>(&field.value);
    if (!whole || !field.fixed) continue;
    auto without = spec;
    without.settings.push_back(field.key + "=" + std::to_string(*whole));
    try {
      const auto limit = limit_for(spec.weights);
      recipe.make(without);
      return field.key + " (the recipe's own is " + std::to_string(*whole) + ")";
    } catch (const std::exception&) {
    } catch (const MemoryLimit::Exceeded&) {
    }
  }
  return "";
}

std::unique_ptr<System> make_no_larger(const RecipeEntry& recipe, const RunSpec& spec) {
  try {
    const auto limit = limit_for(spec.weights);
    return recipe.make(spec);
  } catch (const MemoryLimit::Exceeded& exceeded) {
    const auto megabytes = [](std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MB"; };
    const auto guilty = culprit(recipe, spec);
    throw Error(spec.toml_origin + ": its sizes do not fit the weights, which take " +
                megabytes(static_cast<std::uint64_t>(spec.weights) * sizeof(float)) +
                " where one tensor of such a system would take " + megabytes(exceeded.bytes) +
                (guilty.empty() ? "" : "; look at " + guilty));
  }
}

/// Other factors of variation make another world of the same kind: what a model makes of it is what one wants to see.
void refuse_foreign_world(const System& system, const std::string& world) {
  const auto kind = [](const std::string& name) { return name.substr(0, name.find('[')); };
  if (kind(world) == kind(system.environment)) return;
  if (std::ranges::find(system.worlds, world) != system.worlds.end()) return;
  std::string own;
  for (const auto& other : system.worlds) own += (own.empty() ? "" : ", ") + other;
  throw Error("it does not act in " + world + ", but in " + (own.empty() ? system.environment + " alone" : own));
}

/// Where a model predicts rewards, plans can be made in it in the place of the policy.
std::shared_ptr<Behaviour> driver_of(const System& system) {
  if (!system.model || !system.behaviour) return system.behaviour;
  torch::NoGradGuard no_grad;
  const auto world = system.make_env()->spaces();
  const auto outcome = system.model->outcome(system.model->initial(1));
  if (!outcome.reward.defined()) return system.behaviour;
  return std::make_shared<OwnOrPlanned>(system.behaviour, system.model->actions(world),
                                        outcome.cost.defined() ? &world : nullptr);
}

/// A run that a setting names may have brought recordings of a world that is not on this machine: they serve the new one too.
void remember_worlds_of(const std::vector<std::string>& settings) {
  for (const auto& setting : settings) {
    const std::filesystem::path run = setting.substr(std::min(setting.size(), setting.find('=') + 1));
    std::error_code ignored;
    const auto file = run / "checkpoint.safetensors";
    if (!std::filesystem::is_directory(run / "clips", ignored) || !std::filesystem::is_regular_file(file, ignored)) continue;
    try {
      remember_world_of(Checkpoint::peek(file));
    } catch (const Error&) {  // whoever needs that run says what is wrong with it
    }
  }
}

}  // namespace

std::unique_ptr<System> make_system(const RunSpec& spec) {
  const auto& recipe = find_recipe(spec.recipe);
  remember_worlds_of(spec.settings);
  refuse_what_it_lacks(recipe, spec.environment);
  static std::mutex building;  // first weights come from Torch's one generator, which a recipe seeds
  const std::lock_guard lock(building);
  auto system = spec.weights > 0 ? make_no_larger(recipe, spec) : recipe.make(spec);
  if (!system->driver) system->driver = driver_of(*system);
  return system;
}

void apply_settings(Config& config, const RunSpec& spec) {
  if (!spec.toml.empty()) config.parse(spec.toml, spec.toml_origin);
  for (const auto& setting : spec.settings) config.set_text(setting);
}

void System::store_weights(Checkpoint& into) const {
  if (model) store_module(into, "model", *model);
  if (behaviour) store_module(into, "behaviour", *behaviour);
  if (encoder) store_module(into, "encoder", *encoder);
  for (const auto& [name, tensor] : starts) into.tensors[starts_prefix + name] = tensor;
}

std::string fingerprint(const System& system) {
  Checkpoint weights;
  system.store_weights(weights);
  auto hash = fnv1a({});
  for (const auto& [name, tensor] : weights.tensors) {
    const auto values = tensor.to(torch::kCPU).contiguous();
    hash = fnv1a(std::as_bytes(std::span(name)), hash);
    hash = fnv1a({static_cast<const std::byte*>(values.data_ptr()), values.nbytes()}, hash);
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

Carry System::starts_in(const Checkpoint& from) const {
  Carry loaded;
  const auto expected = model ? model->initial(1) : Carry{};
  for (const auto& [name, tensor] : expected) {
    if (!from.tensors.contains(starts_prefix + name)) continue;
    auto shape = tensor.sizes().vec();
    shape[0] = -1;
    const auto stored = from.finite(starts_prefix + name, shape);
    loaded[name] = (stored.is_floating_point() ? stored.to(torch::kFloat32) : stored).to(device);
  }
  if (!loaded.empty() && loaded.size() != expected.size()) {
    throw Error(from.origin + ": the start states are incomplete (" + std::to_string(loaded.size()) + " of " +
                std::to_string(expected.size()) + " tensors)");
  }
  return loaded;
}

void System::load_weights(const Checkpoint& from) {
  // The starts first, into a local: load_module checks all before it writes, and what was written before another one fails is
  // put back.
  auto loaded = starts_in(from);
  Checkpoint before;
  const std::pair<const char*, torch::nn::Module*> parts_of_it[] = {
      {"model", model.get()}, {"behaviour", behaviour.get()}, {"encoder", encoder.get()}};
  for (const auto& [name, module] : parts_of_it)
    if (module) store_module(before, name, *module);
  std::vector<std::pair<const char*, torch::nn::Module*>> changed;
  try {
    for (const auto& [name, module] : parts_of_it) {
      if (!module) continue;
      load_module(from, name, *module);
      changed.emplace_back(name, module);
    }
  } catch (...) {
    for (const auto& [name, module] : changed) load_module(before, name, *module);
    throw;
  }
  starts = std::move(loaded);
}

RunSpec spec_of(const Checkpoint& checkpoint, const std::string& device) {
  RunSpec spec;
  spec.recipe = checkpoint.text("recipe");
  spec.environment = checkpoint.text("environment");
  remember_world_of(checkpoint);
  naming(checkpoint.origin + ", field 'recipe'", [&] { find_recipe(spec.recipe); });
  naming(checkpoint.origin + ", field 'environment'", [&] { make_env(spec.environment); });
  spec.toml = checkpoint.text("config");
  spec.toml_origin = checkpoint.origin + ", field 'config'";
  spec.device = device;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (name.starts_with("model/") || name.starts_with("behaviour/") || name.starts_with("encoder/"))
      spec.weights += tensor.numel();
  }
  if (const auto program = checkpoint.tensors.find(program_key); program != checkpoint.tensors.end()) spec.program = program->second;
  return spec;
}

std::unique_ptr<System> load_system(const Checkpoint& checkpoint, const std::string& device, const std::string& world) {
  return naming(checkpoint.origin, [&] {
    auto spec = spec_of(checkpoint, device);
    auto system = make_system(spec);
    if (!world.empty() && world != spec.environment) {
      refuse_foreign_world(*system, world);
      spec.environment = world;
      system = make_system(spec);
    }
    system->load_weights(checkpoint);
    system->metrics.load(checkpoint);
    load_facts(checkpoint, *system);
    return system;
  });
}

std::filesystem::path checkpoint_path(const std::filesystem::path& run) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(run, ignored)) return run;
  const auto inside = run / "checkpoint.safetensors";
  if (std::filesystem::is_regular_file(inside, ignored)) return inside;
  if (!std::filesystem::exists(run, ignored))
    throw Error(run.string() + " does not exist; expected a run's folder or a .safetensors file");
  throw Error(run.string() + " holds no checkpoint.safetensors; expected a run's folder or a .safetensors file" + what_folder_is(run));
}

}  // namespace dream
