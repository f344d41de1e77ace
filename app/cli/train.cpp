#include <algorithm>
#include <set>

#include "api/error.h"
#include "app/cli/progress.h"
#include "app/cli/verb.h"
#include "core/base/durable_file.h"
#include "core/base/platform.h"
#include "core/engine/phase.h"
#include "core/engine/seed_field.h"
#include "core/engine/trainer.h"
#include "core/env/registry.h"
#include "core/live/run_list.h"

namespace dream::cli {
namespace {

/// What looks wrong is said once, and again when it comes back; the numbers in it change all the time.
class Warnings {
 public:
  template <typename Say>
  void tell(const Phase* phase, const Say& say) {
    std::set<std::string> now;
    for (const auto& warning : phase ? phase->warnings() : std::vector<std::string>()) {
      auto words = warning;
      std::erase_if(words, [](char c) { return c >= '0' && c <= '9'; });
      if (!told_.contains(words)) say("warning: " + printable(warning, 400));
      now.insert(std::move(words));
    }
    told_ = std::move(now);
  }

 private:
  std::set<std::string> told_;
};

/// Where nobody names a world: the one that everybody names first, or the first that the recipe can serve.
std::string usual_world(const RunSpec& spec) {
  const auto recipe = std::ranges::find(recipes(), spec.recipe, &RecipeEntry::name);
  if (recipe != recipes().end() && !recipe->world.empty()) return recipe->world;
  if (recipe == recipes().end() || recipe->lacks(make_env(spec.environment)->spaces()).empty()) return spec.environment;
  for (const auto& world : environments())
    if (recipe->lacks(world.make()->spaces()).empty()) return world.name;
  return spec.environment;
}

}  // namespace

Verb train_verb(CLI::App& app) {
  struct Options {
    std::string recipe, environment, directory, phase, config;
    std::vector<std::string> settings;
    bool resume = false, list = false;
    double checkpoint_seconds = 60, history_gb = 1;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("train", "Run a recipe's phases, from collecting to evaluating");
  std::string names;
  for (const auto& recipe : recipes())
    if (!recipe.by_file) names += (names.empty() ? "" : ", ") + recipe.name;
  command->add_option("recipe", options->recipe, "The system to train: " + names + "; --resume knows the run's");
  command->add_option("--env", options->environment, "The environment [CarRacing, or the first that the recipe can serve]; --resume knows the run's");
  command->add_option("--out", options->directory, "The run's folder");
  command->add_option("--phase", options->phase, "Run this phase alone (collect, v, m, c, evaluate …)");
  command->add_option("--config", options->config,
                      "Settings to begin with, a TOML file as --list prints one; --set comes after it");
  command->add_option("--set", options->settings, "A setting, key=value; repeatable. --list shows them all")
      ->take_all();
  command->add_flag("--resume", options->resume, "Go on with the run in --out; where there is none and a recipe is named, begin one, which is said");
  command->add_flag("--list", options->list, "Print the recipe's settings as TOML and leave");
  command->add_option("--checkpoint-seconds", options->checkpoint_seconds, "Longest work that a crash can lose")
      ->transform(number_between(1, 86400))
      ->capture_default_str();
  command->add_option("--history-gb", options->history_gb, "Disk that the run's earlier weights may take; 0: none are kept")
      ->transform(number_between(0, 1e6))
      ->capture_default_str();

  return {command, [options, names](const Common& common) {
            RunSpec spec;
            spec.recipe = options->recipe;
            if (!options->environment.empty()) spec.environment = options->environment;
            spec.directory = options->directory;
            spec.device = common.device;
            const auto existing = spec.directory / "checkpoint.safetensors";
            const bool goes_on = options->resume && !options->directory.empty() && std::filesystem::exists(existing);
            if (goes_on) {
              const auto saved = spec_of(Checkpoint::peek(existing), common.device);
              spec.toml = saved.toml;
              spec.toml_origin = saved.toml_origin;
              spec.weights = saved.weights;
              if (options->recipe.empty()) spec.recipe = saved.recipe;
              if (spec.recipe != saved.recipe)  // before its settings, of which another recipe knows nothing
                throw Error(options->directory + " is a run of " + saved.recipe + ", not of " + spec.recipe + "; --resume goes on without a recipe's name");
              if (options->environment.empty()) spec.environment = saved.environment;
            }
            if (spec.recipe.empty()) {
              throw Error(options->resume
                              ? "There is no run to resume in '" + options->directory + "', the folder of --out"
                              : "The recipe is missing: " + names);
            }
            if (options->environment.empty() && spec.toml.empty()) spec.environment = usual_world(spec);
            if (!options->config.empty()) {
              if (!spec.toml.empty())
                throw Error("--config begins a run, and " + options->directory +
                            " has its settings already; change them with --set");
              spec.toml = read_text_file(options->config, 1 << 20);
              spec.toml_origin = options->config;
            }
            if (common.seed_given) spec.settings.push_back("seed=" + std::to_string(common.seed));
            spec.settings.insert(spec.settings.end(), options->settings.begin(), options->settings.end());
            if (options->list) list_runs(find_assets(), {});  // whose clips tell the spaces of worlds that are not on this machine
            auto system = make_system(spec);
            if (options->list) {
              std::fputs(system->config.to_toml().c_str(), stdout);
              return;
            }
            if (options->directory.empty()) throw Error("--out is missing: the folder in which the run is kept");

            refuse_shipped(options->directory, find_assets());
            if (options->resume && !goes_on)  // the same command may begin a run and go on with it
              std::fprintf(stderr, "%s holds no run to resume: one begins there\n", printable(options->directory).c_str());
            Trainer trainer(std::move(system), {options->checkpoint_seconds, options->phase, options->history_gb * 1e9},
                            options->resume);
            if (options->resume && !trainer.due() && !spec.toml.empty()) {
              const auto changed = trainer.system().config.differences(spec.toml, spec.toml_origin);
              if (!changed.empty())
                throw Error(options->directory + " is complete: nothing is left to be done with another " + changed.front().first +
                            (options->phase.empty() ? "; more steps train it longer, and eval scores it anew" : "; leave --phase away"));
            }
            if (!trainer.notice().empty()) std::fprintf(stderr, "%s\n", printable(trainer.notice(), 400).c_str());
            trainer.take();
            ProgressLine progress(common.quiet);
            Warnings warnings;
            while (!interrupted() && trainer.advance()) {
              warnings.tell(trainer.current(), [&](const std::string& text) { progress.say(text); });
              for (const auto& view : trainer.phases(true)) {
                if (trainer.current() && view.name == trainer.current()->name()) progress.show(view);
              }
            }
            trainer.close();
            if (interrupted()) {
              progress.say("stopped and saved; go on with --resume");
              return;
            }
            const auto& facts = trainer.system().facts;
            progress.say("done: " + printable(options->directory));
            for (const char* fact : {"score", "temperatures"})
              if (facts.contains(fact)) std::printf("%s\n", printable(facts.at(fact), 1000).c_str());
          },
          most_seed};
}

}  // namespace dream::cli
