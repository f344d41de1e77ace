#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "api/error.h"
#include "api/platform_time.h"
#include "app/cli/progress.h"
#include "app/cli/verb.h"
#include "core/base/durable_file.h"
#include "core/base/platform.h"
#include "core/behaviours/knobs.h"
#include "core/behaviours/pilot.h"
#include "core/behaviours/planner.h"
#include "core/behaviours/random_action.h"
#include "core/engine/population.h"
#include "core/engine/run_file.h"
#include "core/engine/seeds.h"
#include "core/engine/system.h"
#include "core/lab/horizon.h"
#include "core/live/run_list.h"

namespace dream::cli {

namespace {

// Of the measurement of imagined steps.
constexpr std::int64_t horizon_episodes = 10, horizon_context = 60, horizon_dreams = 8;

struct EvalOptions {
  std::string run, json, environment, behaviour = "own";
  std::vector<std::string> plan, knobs;
  std::int64_t episodes = 100, lanes = 50, max_steps = 1000, horizon = 100;
  bool dream = false, random = false, keep = false;
  const CLI::Option* horizon_asked = nullptr;
  double tau = 1;
};

/// Whose turn an episode is in a world of several: that of the first one's seed, then one after the other.
struct Turn {
  std::vector<std::string> tasks;
  std::uint64_t first = 0;
};

/// What the episodes of one player gave, printed when it is made.
struct Played {
  /// `cost_limit`: what an episode may cost; none where the world has no costs.
  Played(const std::vector<Population::Result>& results, const char* what, const char* whom,
         std::optional<float> cost_limit, const Turn& turn) {
    std::vector<std::int64_t> lengths;
    for (const auto& result : results)
      rewards.push_back(result.reward), costs.push_back(result.cost), lengths.push_back(result.steps);
    const auto [mean, deviation] = score = score_of(results);
    in_words = score_in_words(results, "episodes");
    if (!std::isfinite(mean)) throw Error("The " + std::string(what) + " is no finite number: the run is damaged.");
    std::ranges::sort(lengths);
    usual_length = lengths[lengths.size() / 2];
    const auto [worst, best] = std::ranges::minmax(rewards);
    const int digits = std::abs(mean) < 10 ? 2 : 1;
    std::printf("%s  %.*f ± %.*f  over %zu %s (worst %.1f, best %.1f)\n", what, digits, mean, digits, deviation,
                rewards.size(), whom, worst, best);
    if (cost_limit) {
      cost = cost_of(results), cost_in_words = dream::cost_in_words(results, "episodes");
      std::printf("  cost  %.2f ± %.2f, of %g that an episode may cost (most %.1f)\n", cost.mean, cost.deviation,
                  static_cast<double>(*cost_limit), *std::ranges::max_element(costs));
    }
    for (std::size_t task = 0; task < turn.tasks.size(); ++task) {
      std::vector<Population::Result> own;
      for (std::size_t i = 0; i < results.size(); ++i)
        if ((turn.first + i) % turn.tasks.size() == task) own.push_back(results[i]);
      if (own.empty()) continue;
      by_task[turn.tasks[task]] = score_of(own).mean;
      std::printf("  %s  %s\n", turn.tasks[task].c_str(), score_in_words(own, "episodes").c_str());
    }
    std::fflush(stdout);
  }
  std::vector<double> rewards, costs;
  std::map<std::string, double> by_task;  // the mean of each, in a world of several in turn
  std::string in_words, cost_in_words;  // the second empty where there are no costs
  Score score, cost;
  std::int64_t usual_length = 0;
};

/// Into the checkpoint that `mark` stands for, and no newer one.
void keep_score(const std::filesystem::path& file, const FileMark& mark, const Played& played) {
  const FolderLock lock(std::filesystem::absolute(file).parent_path());
  if (mark_of(file) != mark)
    throw Error(file.string() + " has been written anew meanwhile: the score of the old weights is not kept in it");
  auto checkpoint = load_run(file);
  checkpoint.metadata[std::string(fact_prefix) + score_fact] = played.in_words;
  if (!played.cost_in_words.empty()) checkpoint.metadata[std::string(fact_prefix) + cost_fact] = played.cost_in_words;
  checkpoint.save(file);
}

/// Plans in the run's own model, by `method` with `settings` ("horizon=20"); the run's policy says what the end is worth.
std::shared_ptr<Planner> planner_in(const System& system, const std::string& method,
                                    const std::vector<std::string>& settings) {
  if (!system.model) throw Error("this run has no model to plan in; leave --behaviour away");
  const auto world = system.make_env()->spaces();
  auto options = published_plan(choice_of<PlanMethod>(method), world);
  Config config;
  options.fields(config, "");
  for (const auto& setting : settings) config.set_text(setting);
  const bool asked = std::ranges::any_of(settings, [](const std::string& setting) { return setting.starts_with("elites="); });
  if (asked && options.elites > options.candidates)  // else as many as there are
    throw Error("--plan elites=" + std::to_string(options.elites) + " is more than candidates=" + std::to_string(options.candidates) + "; choose at most as many");
  return std::make_shared<Planner>(system.model->actions(world), options, system.behaviour);
}

void stop_if_interrupted() {
  if (interrupted()) throw Error("interrupted; nothing was written");
}

void refuse_contradictions(const EvalOptions& options) {
  if (options.random && options.dream) throw Error("--random plays in the environment; leave --dream away");
  if (const auto steps = horizon_context + options.horizon;
      !options.dream && options.horizon_asked->count() > 0 && options.horizon > 0 && options.max_steps <= steps)
    throw Error("--max-steps " + std::to_string(options.max_steps) + " is too short for --horizon " +
                std::to_string(options.horizon) + ", which needs more than " + std::to_string(steps) + " steps: " +
                std::to_string(horizon_context) + " to look, then the horizon; --horizon 0 leaves it out");
  if (options.keep && options.dream) throw Error("--keep writes a score in the real environment; leave --dream away");
  if (options.keep && !options.environment.empty()) throw Error("--keep writes the score in the run's own world; leave --env away");
}

/// Plays to its end what has begun.
void play(Population& population, const char* name, ProgressLine& progress) {
  const double began = now_seconds();
  double steps = 0;
  while (!population.finished()) {
    stop_if_interrupted();
    steps += static_cast<double>(population.tick());
    PhaseView view;
    view.name = name;
    view.progress = population.progress();
    const double elapsed = now_seconds() - began;
    view.rate = steps / elapsed;
    view.rate_unit = "steps/s";
    view.eta_seconds = view.progress > 0 ? elapsed * (1 - view.progress) / view.progress : -1;
    progress.show(view);
  }
  progress.say("");
}

/// The model's errors, printed and into `json`.
void measure_horizon(System& system, const EvalOptions& options, std::uint64_t first, std::int64_t usual_length, nlohmann::json& json) {
  // Short episodes are watched for a quarter of their length.
  const auto context =
      options.horizon_asked->count() > 0 ? horizon_context : std::clamp<std::int64_t>(usual_length / 4, 1, horizon_context);
  const auto report = horizon_error(system, std::min(horizon_episodes, options.episodes), first, context, options.horizon,
                                    options.tau, options.max_steps, horizon_dreams, stop_if_interrupted);
  std::printf("reconstruction  Σ(x − x̂)² = %.2f per frame, MSE %.5f, over %lld unseen frames\n", report.reconstruction_sum,
              report.reconstruction_mse, static_cast<long long>(report.frames));
  std::printf(
      "imagined steps under the true actions after %lld frames, MSE per channel value: of a dream, of the mean "
      "picture of %lld dreams, of a still picture\n",
      static_cast<long long>(context), static_cast<long long>(horizon_dreams));
  for (std::size_t k : {1, 2, 5, 10, 20, 50, 100})
    if (k <= report.frame_mse.size())
      std::printf("  %3zu  %.5f  %.5f  (%.5f)\n", k, report.frame_mse[k - 1], report.mean_picture_mse[k - 1],
                  report.still_picture_mse[k - 1]);
  json["reconstruction_sum"] = report.reconstruction_sum, json["reconstruction_mse"] = report.reconstruction_mse;
  json["imagined_mse"] = report.frame_mse;
  json["imagined_mean_picture_mse"] = report.mean_picture_mse;
  json["still_picture_mse"] = report.still_picture_mse;
}

void eval(const EvalOptions& options, const Common& common) {
  refuse_contradictions(options);
  const auto file = checkpoint_path(options.run);
  const auto mark = mark_of(file);
  if (!options.json.empty()) check_output("--json", options.json, file);
  if (options.keep) {
    refuse_shipped(options.run, find_assets(), "have the copy scored");
    const FolderLock free(std::filesystem::absolute(file).parent_path());  // before the work, not after it
  }
  const auto system = load_system(load_run(file), common.device, options.environment);
  const bool own = options.behaviour == "own", plans = !own && options.behaviour != "policy";
  if (!plans && !options.plan.empty()) throw Error("--plan sets how a plan is made; choose one by --behaviour");
  if (!own && options.keep) throw Error("--keep writes the score of the run as it drives itself; leave --behaviour away");
  if (plans) system->behaviour = planner_in(*system, options.behaviour, options.plan);
  const auto driver = own ? system->who_drives() : system->behaviour;
  auto knobs = system->model ? together(system->model->knobs(), temperature, options.tau) : KnobValues{};
  const auto known = knobs_of(system->model.get(), driver.get());
  for (const auto& text : options.knobs) {
    const auto [name, value] = knob_from_text(known, text);
    knobs[name] = value;
  }
  if (!driver) throw Error(options.run + " has no behaviour whose episodes could be scored: people drive it");
  if (options.dream && !system->model) throw Error(options.run + " has no model to dream with; leave --dream away");

  // The first unseen track is number 0; --seed moves on from there.
  const auto first = first_evaluation_seed + (common.seed_given ? common.seed : 0);
  const auto lane_count = std::min(options.lanes, options.episodes);
  const auto spaces = system->make_env()->spaces();
  Pilot pilot(driver, lane_count, Mode::judge);
  Population::Options rules{.max_steps = options.max_steps, .begins = [&](std::int64_t lane) { pilot.start(lane); }};
  if (spaces.max_episode_steps > 0) rules.max_steps = std::min<std::int64_t>(options.max_steps, spaces.max_episode_steps);
  std::optional<float> cost_limit;  // a dream has no costs
  Turn turn;                        // and begins anywhere
  std::unique_ptr<Lanes> lanes;
  if (options.dream) {
    constexpr std::int64_t watched = 16;
    const auto starts = system->starts.empty() ? starts_in_world(system->model, system->device, system->make_env, watched, first) : system->starts;
    lanes = std::make_unique<DreamLanes>(system->model, starts, lane_count, rules.max_steps, knobs, common.seed);
  } else {
    if (spaces.costs) cost_limit = spaces.cost_limit;
    turn = {spaces.tasks, first};
    lanes = std::make_unique<RealLanes>(system->model, system->device, system->make_env, lane_count, common.seed);
  }
  auto rng = make_generator(system->device, common.seed);
  ProgressLine progress(common.quiet);
  const auto score = [&](const char* what, const char* whom, const auto& choose) {
    Population population([&](const Seen& seen, const torch::Tensor&) { return choose(seen); }, *lanes, rules);
    std::vector<std::uint64_t> seeds(static_cast<std::size_t>(options.episodes));
    std::iota(seeds.begin(), seeds.end(), first);
    population.begin(1, seeds);
    play(population, options.dream ? "dream" : "drive", progress);
    return Played(population.results(), what, whom, cost_limit, turn);
  };
  const auto played = score(options.dream ? "return in the dream" : "return", options.dream ? "dreams" : "unseen episodes",
                            [&](Seen seen) {
                              seen.knobs = knobs;
                              return pilot.drive(seen, rng);
                            });
  if (options.keep) keep_score(file, mark, played);
  nlohmann::json json = {{"run", options.run},
                         {"environment", system->environment},
                         {"recipe", system->recipe},
                         {"behaviour", options.behaviour},
                         {"knobs", options.knobs},
                         {"episodes", played.rewards.size()},
                         {"dream", options.dream},
                         {"mean", played.score.mean},
                         {"deviation", played.score.deviation},
                         {"rewards", played.rewards}};
  if (!played.by_task.empty()) json["tasks"] = played.by_task;
  if (cost_limit) {
    json["cost"] = played.cost.mean, json["cost_deviation"] = played.cost.deviation;
    json["cost_limit"] = *cost_limit, json["costs"] = played.costs;
  }
  if (options.random) {
    const auto chance = score("random actions", "of the same episodes", [&](const Seen&) {
      return random_action(system->make_env()->spaces().action, lane_count, rng, system->device);
    });
    json["random_mean"] = chance.score.mean, json["random_deviation"] = chance.score.deviation;
    if (cost_limit) json["random_cost"] = chance.cost.mean;
  }
  if (options.dream) json["tau"] = options.tau;
  const bool paints = system->model && system->model->predict(system->model->initial(1)).frame.defined();
  if (!options.dream && options.horizon > 0 && paints)
    measure_horizon(*system, options, first, played.usual_length, json);
  // The name of a folder need not be a text.
  if (!options.json.empty())
    write_file(options.json, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace

Verb eval_verb(CLI::App& app) {
  auto options = std::make_shared<EvalOptions>();
  auto* command = app.add_subcommand("eval", "Score a run's controller on unseen episodes, and its model's errors");
  command->add_option("run", options->run, "The run's folder, or a checkpoint")->required();
  command->add_option("--env", options->environment, "Another of the worlds that the run acts in, or other factors of its own, as TwoRoom[layout=moving]");
  command->add_option("--episodes", options->episodes, "Episodes to play")
      ->transform(whole_between(1, 1000000))
      ->capture_default_str();
  command->add_flag("--dream", options->dream, "Play inside the model's dream instead of the environment");
  command->add_flag("--random", options->random,
                    "Play the same episodes with uniformly random actions as well: what the run must beat");
  auto drivers = names_of<PlanMethod>();
  drivers.insert(drivers.begin(), {"own", "policy"});
  command
      ->add_option("--behaviour", options->behaviour,
                   "Who drives: own, as the run says, which may be a plan; its policy; or a plan by this method, made in its model at "
                   "every step")
      ->check(CLI::IsMember(drivers))
      ->capture_default_str();
  command->add_option("--plan", options->plan,
                      "A setting of the plan, key=value; repeatable: candidates, iterations, elites, horizon, …");
  command->add_option("--knob", options->knobs,
                      "A knob of the model or of who drives, name=value; repeatable: simulations=0 is a policy without its search");
  command->add_option("--tau", options->tau, "Temperature τ of the dream")
      ->transform(number_between(0.01, 10))
      ->capture_default_str();
  command
      ->add_option("--max-steps", options->max_steps,
                   "Longest episode, a dreamt one too; the environment's own limit counts as well")
      ->transform(whole_between(1, 100000000))
      ->capture_default_str();
  command->add_option("--lanes", options->lanes, "Episodes played side by side")
      ->transform(whole_between(1, 4096))
      ->capture_default_str();
  options->horizon_asked = command->add_option("--horizon", options->horizon, "Imagined steps whose error is measured; 0 = none")
                               ->transform(whole_between(0, 1000))
                               ->capture_default_str();
  command->add_option("--json", options->json, "Write the figures to this file");
  command->add_flag("--keep", options->keep, "Write the score into the run's checkpoint, where lists of runs find it");

  return {command, [options](const Common& common) { eval(*options, common); }};
}

}  // namespace dream::cli
