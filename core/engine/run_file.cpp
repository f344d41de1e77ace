#include "core/engine/run_file.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "core/data/dataset.h"
#include "core/engine/script/script_recipe.h"
#include "core/engine/system.h"
#include "core/env/bridge/away_world.h"

namespace dream {
namespace {

/// V-M-C's evaluation knew neither for how many episodes its score stands nor what was under way.
void evaluation_of_so_many_episodes(Checkpoint& checkpoint) {
  if (!checkpoint.tensors.contains("evaluate.controller")) return;
  checkpoint.tensors.try_emplace("evaluate.episodes", torch::zeros({1}, torch::kInt64));
  checkpoint.tensors.try_emplace("evaluate.driver", torch::zeros({0}, torch::kFloat64));
}

/// V-M-C's optimisers were Torch's: their moments had Torch's names, and every parameter counted its steps.
void optimisers_of_torch(Checkpoint& checkpoint) {
  for (const std::string prefix : {"v.adam/", "m.adam/"}) {
    if (checkpoint.tensors.erase(prefix + "parameters") == 0) continue;
    checkpoint.metadata.erase(prefix + "kind");
    auto steps = torch::zeros({1}, torch::kInt64);  // none yet: then there are no moments either
    std::map<std::string, torch::Tensor> renamed;
    for (auto at = checkpoint.tensors.lower_bound(prefix);
         at != checkpoint.tensors.end() && at->first.starts_with(prefix);) {
      const auto slash = at->first.rfind('/') + 1;
      const auto begin = at->first.substr(0, slash), name = at->first.substr(slash);
      if (name == "exp_avg") renamed[begin + "first"] = at->second;
      if (name == "exp_avg_sq") renamed[begin + "second"] = at->second;
      if (name == "step") steps = at->second.numel() == 1 ? at->second.reshape({1}) : at->second;
      at = checkpoint.tensors.erase(at);
    }
    checkpoint.tensors.merge(renamed);
    checkpoint.tensors[prefix + "steps"] = steps;
  }
}

/// V-M-C counted the collected episodes alone, whose points in the curve were all there or lost; its search did not count
/// generations without a difference, and nothing was imitated.
void counters_of_vmc(Checkpoint& checkpoint) {
  const auto collected = checkpoint.tensors.find("collect.counters");
  if (collected == checkpoint.tensors.end()) return;
  if (collected->second.dim() == 1 && collected->second.size(0) == 1) collected->second = collected->second.repeat({2});
  for (const auto* name : {"c.flat", "imitate.done"})
    checkpoint.tensors.try_emplace(name, torch::zeros({1}, torch::kInt64));
}

/// An imitation was one piece, done or not.
void rounds_of_imitation(Checkpoint& checkpoint) {
  const auto done = checkpoint.tensors.find("imitate.done");
  if (done == checkpoint.tensors.end()) return;
  checkpoint.tensors["imitate.counters"] = torch::cat({torch::zeros({1}, torch::kInt64), done->second.reshape({-1})});
  checkpoint.tensors.erase("imitate.done");
}

/// Lanes did not keep the last reward: nobody looked at it. Real ones have a previous action, dreamt ones an age.
void last_rewards(Checkpoint& checkpoint) {
  std::map<std::string, torch::Tensor> added;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    for (const auto& [prefix, known] :
         {std::pair{"lanes/", "previous_action"}, {"lane_", "previous_action"}, {"lane_", "age"}}) {
      if (!name.ends_with(std::string(prefix) + known) || tensor.dim() == 0) continue;
      added[name.substr(0, name.size() - std::string(known).size()) + "last_reward"] = torch::zeros({tensor.size(0)});
    }
  }
  checkpoint.tensors.merge(added);  // what is there stays
}

/// Starts of Diffusion Forcing did not say of how many frames their horizon was: they begin it anew.
void horizons_of_forcing(Checkpoint& checkpoint) {
  const auto chunk = checkpoint.tensors.find("starts/chunk");
  if (chunk != checkpoint.tensors.end() && chunk->second.dim() == 2 && chunk->second.size(1) == 3)
    chunk->second = torch::constant_pad_nd(chunk->second, {0, 1});
}

struct Migration {
  int from;  // leads to the next format
  void (*apply)(Checkpoint&);
};
constexpr Migration migrations[] = {
    {1, evaluation_of_so_many_episodes}, {1, counters_of_vmc}, {1, last_rewards}, {2, optimisers_of_torch}, {3, rounds_of_imitation}, {4, horizons_of_forcing}};

int format_of(const Checkpoint& checkpoint) {
  const auto found = checkpoint.metadata.find(run_format_key);
  if (found == checkpoint.metadata.end()) return 1;
  const auto& text = found->second;
  int format = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), format);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || format < 1)
    throw Error(checkpoint.origin + ": its format is '" + text + "'; a number from 1 to " + std::to_string(run_format) +
                " was expected");
  if (format > run_format) {
    throw Error(checkpoint.origin + " has the format " + text + ", and this program knows those up to " +
                std::to_string(run_format) + ": a newer one has written it");
  }
  return format;
}

}  // namespace

void migrate(Checkpoint& checkpoint) {
  const int format = format_of(checkpoint);
  for (const auto& migration : migrations) {
    if (migration.from >= format) migration.apply(checkpoint);
  }
  checkpoint.metadata[run_format_key] = std::to_string(run_format);
}

void load_facts(const Checkpoint& from, System& into) {
  for (const auto& [key, text] : from.metadata) {
    if (key.starts_with(fact_prefix)) into.facts[key.substr(std::string(fact_prefix).size())] = text;
  }
}

void remember_world_of(const Checkpoint& checkpoint) {
  const std::filesystem::path file = checkpoint.origin;  // of one that was made in memory it is none
  const auto clips = file.parent_path() / "clips";
  std::error_code ignored;
  if (std::filesystem::is_regular_file(file, ignored) && checkpoint.metadata.contains("environment") && std::filesystem::exists(clips, ignored))
    remember_world(checkpoint.text("environment"), clips.string(), [clips] { return Dataset(clips).info().spaces; });
}

Checkpoint load_run(const std::filesystem::path& file) {
  if (const auto kind = foreign_file(file); kind != ForeignFile::none) return load_foreign(file, kind);
  auto checkpoint = Checkpoint::load(file);
  migrate(checkpoint);
  remember_world_of(checkpoint);
  return checkpoint;
}

bool holds_weights_alone(const Checkpoint& checkpoint) {
  return std::none_of(checkpoint.tensors.begin(), checkpoint.tensors.end(), [](const auto& item) {
    const auto begins = [&](const char* prefix) { return item.first.starts_with(prefix); };
    return !begins("model/") && !begins("behaviour/") && !begins("encoder/") && !begins("starts/") && !begins("curve/") &&
           !begins("curve_state/");
  });
}

}  // namespace dream
