#include "api/error.h"
#include "api/platform_time.h"
#include "app/cli/progress.h"
#include "app/cli/verb.h"
#include "core/base/platform.h"
#include "core/engine/collector.h"
#include "core/engine/interleaved.h"
#include "core/engine/run_file.h"

namespace dream::cli {

Verb collect_verb(CLI::App& app) {
  struct Options {
    std::string environment = "CarRacing", policy = "random", directory;
    std::int64_t episodes = 100, max_steps = 1000, lanes = 8, hold = 10;
    double noise = 0, weaken = 0;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("collect", "Drive an environment and keep the episodes (HDF5, Minari's layout)");
  command->add_option("--env", options->environment, "The environment")->capture_default_str();
  command
      ->add_option("--policy", options->policy,
                   "'random' (a Brownian motion), 'random-weights' (V-M-C with random weights), 'expert' (the "
                   "environment's own, where it has one), or a run whose controller drives")
      ->capture_default_str();
  command->add_option("--episodes", options->episodes, "Episodes in the dataset at the end; what is there counts")
      ->transform(whole_between(1, 100000000))
      ->capture_default_str();
  command->add_option("--out", options->directory, "The dataset's folder")->required();
  command->add_option("--max-steps", options->max_steps, "Longest episode")
      ->transform(whole_between(1, 100000000))
      ->capture_default_str();
  command->add_option("--lanes", options->lanes, "Environments stepped side by side")
      ->transform(whole_between(1, 4096))
      ->capture_default_str();
  command
      ->add_option("--noise", options->noise,
                   "Shake a run's or an expert's actions by up to this share of each axis's half range")
      ->transform(number_between(0, 10))
      ->capture_default_str();
  command
      ->add_option("--weaken", options->weaken,
                   "Mix a run's or an expert's actions with a random motion's, of up to this share: a driver who has "
                   "not learned yet; of choices, that share is random")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();

  command->add_option("--hold", options->hold, "Steps that the random policy holds a choice, at most")
      ->transform(whole_between(1, 1000))
      ->capture_default_str();

  return {command, [options](const Common& common) {
            std::shared_ptr<System> driver;
            const bool untrained = options->policy == "random-weights", expert = options->policy == "expert";
            if (options->policy != "random" && !untrained && !expert) {
              driver = load_system(load_run(checkpoint_path(options->policy)), common.device);
              if (driver->environment != options->environment) {
                throw Error("--policy " + options->policy + " drives " + driver->environment + ", not " +
                            options->environment);
              }
            }
            auto spec = RunSpec{};
            spec.environment = options->environment;
            // The picture is kept as the recipes see it, which is what they train on; random weights see it as those of V-M-C do.
            const std::function<std::unique_ptr<Env>()> make =
                driver ? driver->make_env : untrained ? make_system(spec)->make_env : [name = options->environment] { return world_as_seen(name, 1, 64); };
            Collector::Options collect{options->directory,
                                       options->episodes,
                                       options->max_steps,
                                       std::min(options->lanes, options->episodes),
                                       Rng(common.seed).fork(options->policy),
                                       options->noise,
                                       options->weaken};
            collect.expert = expert, collect.hold = options->hold;
            if (untrained) {
              collect.untrained = [spec] {
                const auto system = make_system(spec);
                return RandomWeights::Parts{system->model, system->behaviour};
              };
            }
            Collector collector(std::move(collect), options->environment, make, driver, options->policy);
            ProgressLine progress(common.quiet);
            const double began = now_seconds();
            const auto first = collector.written();
            double steps = 0;
            std::string told;
            auto written = first;
            while (!interrupted() && collector.written() < options->episodes) {
              steps += collector.step();
              written = collector.written();
              if (const auto& faults = collector.faults(); faults.last != told) progress.say("warning: " + printable(faults.told(), 400)), told = faults.last;
              const double elapsed = now_seconds() - began;
              const double share = static_cast<double>(written) / static_cast<double>(options->episodes);
              const double fresh = static_cast<double>(written - first);
              PhaseView view;
              view.name = "collect";
              view.progress = share;
              view.rate = steps / elapsed;
              view.rate_unit = "steps/s";
              view.eta_seconds = fresh > 0 ? elapsed * static_cast<double>(options->episodes - written) / fresh : -1;
              view.detail = "episode " + std::to_string(written) + " of " + std::to_string(options->episodes);
              progress.show(view);
            }
            const bool whole = collector.written() >= options->episodes;
            progress.say((whole ? "" : "stopped; the same command goes on. ") + std::to_string(collector.written()) +
                         (collector.written() == 1 ? " episode in " : " episodes in ") + printable(options->directory));
          }};
}

}  // namespace dream::cli
